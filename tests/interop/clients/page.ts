import { settings } from "./settings.ts";
import type { Entry } from "./shell.ts";

/** How one client's story went in one setting. */
export interface Outcome {
  readonly client: string;
  readonly setting: string;
  readonly entries: readonly Entry[];
  /** Nothing when all went well. */
  readonly failure?: string | undefined;
}

const maxLines = 12;

/** The page of `docs/`: who works with whom, and one transcript of each client. */
export function pageOf(outcomes: readonly Outcome[], versions: ReadonlyMap<string, string>): string {
  const [first] = settings;
  const clients = [...new Set(outcomes.map(({ client }) => client))];
  const table = [
    `| our server over | ${clients.map((client) => `${client} ${versions.get(client) ?? ""}`.trim()).join(" | ")} |`,
    `|---|${clients.map(() => "---|").join("")}`,
    ...settings.map(({ name }) => `| ${name} | ${clients.map((client) => cell(outcomes, client, name)).join(" | ")} |`),
  ];
  const told = outcomes.filter(({ setting }) => setting === first.name);
  return [intro, ...table, "", outro, "", ...told.flatMap(({ client, entries }) => section(client, entries))].join(
    "\n",
  );
}

const intro = `# Other clients, other registries

Written by \`npx -y pnpm@10 interop --write\` (\`tests/interop/run-clients.ts\`): it starts our server in each setting of the table, has each client
work with it, and compares by digest what the client did with what lies behind the server. \`crane\`, \`oras\` and \`regctl\` are built from
[pinned modules](../tests/support/go/go.mod), \`skopeo\` is Debian's.
`;

const outro = `The other way round, our client against other people's registries, is held to the same contracts as every home of content:

- Debian's docker-registry 2.8, in [docker-registry.test.ts](../tests/conformance/docker-registry.test.ts), and what it has become, distribution 3, in
  [distribution.test.ts](../tests/conformance/registries/distribution.test.ts);
- olareg, which speaks all of 1.1, in [olareg.test.ts](../tests/conformance/olareg.test.ts);
- the registry of go-containerregistry, to the contract of reading, in [crane-registry.test.ts](../tests/conformance/registries/crane-registry.test.ts).

\`npx -y pnpm@10 conformance:registries\` builds those that have to be built, of the versions in [one module](../tests/support/go/go.mod) and
[another](../tests/support/go-distribution/go.mod). (zot would be one more; its modules could not be fetched where this was written.) The distribution
specification's own suites against our server are \`npx -y pnpm@10 conformance\`, described in [conformance.md](conformance.md).

What follows is the first line of the table, command by command. \`$HOST\` is the server, \`$DIR\` an empty folder; long outputs are cut.`;

function cell(outcomes: readonly Outcome[], client: string, setting: string): string {
  const outcome = outcomes.find((one) => one.client === client && one.setting === setting);
  if (!outcome) return "not run";
  const checks = outcome.entries.filter(({ type }) => type === "check").length;
  return outcome.failure === undefined ? `${checks} checks passed` : "**failed**";
}

function section(client: string, entries: readonly Entry[]): readonly string[] {
  return [`## ${client}`, "", "```console", ...entries.flatMap(linesOf), "```", ""];
}

function linesOf(entry: Entry): readonly string[] {
  if (entry.type === "check") return [`# ${entry.isGood ? "✓" : "✗"} ${entry.text}`];
  const lines = entry.output === "" ? [] : entry.output.split("\n");
  const shown = lines.length > maxLines ? [...lines.slice(0, maxLines), "…"] : lines;
  return [`$ ${entry.text}`, ...shown];
}
