import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ConformanceHome, homes } from "./homes.ts";
import { buildSuite, type ConformanceSuite, runSuite } from "./suite.ts";
import { suites } from "./suites.ts";

/**
 * Runs the distribution specification's own conformance suites against our server, once for each home of content.
 *
 *     npx -y pnpm@10 conformance [--suite workflows] [--home memory]
 */
const root = fileURLToPath(new URL("../../../", import.meta.url));

async function main(): Promise<void> {
  const wanted = { type: "string", multiple: true } as const;
  const { values } = parseArgs({ options: { suite: wanted, home: wanted } });
  const chosenHomes = chosen("home", homes, values.home);
  for (const suite of chosen("suite", suites, values.suite)) {
    const { path, missing } = await buildSuite(suite);
    if (path === undefined) throw new Error(missing);
    for (const home of chosenHomes) if (!(await check(path, suite, home))) process.exitCode = 1;
  }
}

/** Those that were named, all where none was. */
function chosen<Named extends { readonly name: string }>(
  kind: string,
  all: readonly Named[],
  names: readonly string[] | undefined,
): readonly Named[] {
  const unknown = names?.find((wanted) => !all.some(({ name }) => name === wanted));
  if (unknown === undefined) return all.filter(({ name }) => names?.includes(name) ?? true);
  throw new Error(`there is no ${kind} ${unknown}; there are ${all.map(({ name }) => name).join(", ")}`);
}

async function check(
  program: string,
  suite: ConformanceSuite,
  { name, credentials, open }: ConformanceHome,
): Promise<boolean> {
  await using home = await open();
  const reports = join(root, "reports", "conformance", suite.name, name);
  const mountsUnasked = "repositoriesWithBlob" in home.registry; // what our server goes by
  const target = { host: home.host, credentials, mountsUnasked, reports };
  const { passed, failed, skipped, output } = await runSuite(program, suite, target);
  if (failed.length > 0) console.log(output);
  console.log(`${suite.name}, ${name}: ${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
  for (const spec of failed) console.log(`  failed: ${spec}`);
  for (const spec of skipped) console.log(`  skipped: ${spec}`);
  console.log(`  report: ${relative(root, join(reports, "report.html"))}`);
  return failed.length === 0 && passed.length > 0;
}

await main();
