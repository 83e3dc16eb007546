import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@tranship/registry";
import { anImage, faults, startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import * as z from "zod";
import { seedProduct } from "../../../../tests/support/product.ts";
import { runProgram } from "../../../../tests/support/run-program.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { outputJsonSchema } from "./output-json-schema.ts";

const published = z.fromJSONSchema(
  JSON.parse(readFileSync(new URL("../../schema/output.schema.json", import.meta.url), "utf8")),
);
/** The same, without room for fields that it does not name. */
const closed = z.fromJSONSchema(outputJsonSchema({ isClosed: true }) as Parameters<typeof z.fromJSONSchema>[0]);

/** Runs a command with `--json`; every line it writes has to be of the schema. */
async function linesOf(...args: readonly string[]) {
  const { stdout, code } = await runProgram(...args, "--json");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly type: string; readonly [field: string]: unknown });
  const seen = new Set<string>();
  for (const line of lines) {
    const shape = `${line.type} ${Object.keys(line)}`; // of the very many that are alike, one shows what they are
    if (seen.has(shape)) continue;
    seen.add(shape);
    for (const schema of [published, closed]) {
      const { error } = schema.safeParse(line);
      expect(error, JSON.stringify(line).slice(0, 500)).toBeUndefined();
    }
  }
  return { code, lines, types: new Set(lines.map(({ type }) => type)), last: lines.at(-1) };
}

test("every line of every command is of the published schema, with a retry, a warning and a failure", async () => {
  await using source = await startTestRegistry();
  await using client = createRegistry(`${source.host}/demo/fe`);
  await seedProduct(client);
  await using target = await startTestRegistry();
  const [from, to] = [`${source.host}/demo/fe`, `${target.host}/fe`];
  const folder = tempFolder();
  const [bundle, plan] = [join(folder, "bundle"), join(folder, "plan.json")];

  const planned = await linesOf("plan", "--source", from, "-o", plan);
  expect(planned.types).toEqual(
    new Set(["warning.raised", "items.listed", "item.started", "section.planned", "report"]),
  );

  source.failOnce(faults.cutAfter(1000), ({ path }) => path.includes("/console/blobs/"));
  source.failOnce(faults.status(429, { headers: { "retry-after": "0" } }), ({ path }) => path.includes("/alb/blobs/"));
  source.failOnce(faults.warning("maintenance"), ({ path }) => path.includes("/manifests/"));
  const pulled = await linesOf("pull", bundle, "--source", from, "--checksums", "sha256");
  expect([pulled.code, pulled.last]).toMatchObject([0, { command: "pull", failed: [] }]);
  for (const type of ["registry.warned", "warning.raised", "blob.finished", "archive.finished", "checksum.finished"])
    expect(pulled.types).toContain(type);
  expect([...pulled.types].filter((type) => type.endsWith(".retried"))).not.toEqual([]);

  target.seed("fe/packages/alb/version", anImage({ tag: "stable", seed: "another" }));
  const pushed = await linesOf("push", bundle, to);
  expect([pushed.code, pushed.last]).toMatchObject([0, { command: "push", images: { replaced: 1 } }]);
  expect(pushed.types).toContain("work.planned");

  target.seed("org/app", anImage({ tag: "v1", files: { "etc/name": "app" } }));
  const commands: (readonly string[])[] = [
    ["plan", "--source", from, "--diff", plan],
    ["plan", "--source", from, "--explain", "--include-package", "alb@^1.0.0"],
    ["push", bundle, to, "--dry-run"],
    ["sync", from, `${target.host}/other`, "--dry-run"],
    ["sync", from, `${target.host}/other`],
    ["verify", bundle],
    ["verify", `registry:${to}`, "--plan", plan],
    ["inventory", bundle],
    ["inspect", bundle],
    ["repair", bundle, "--source", from],
    ["clean", bundle, "--dry-run"],
    ["doctor", `${source.host}/demo/fe`],
    ["rootfs", `${target.host}/org/app:v1`, "-o", join(folder, "rootfs.tar")],
  ];
  const manifest = join(folder, "deps.json");
  const items = [
    { id: "motd", inline: "hello" },
    { id: "app", image: `${target.host}/org/app:v1`, unpinned: true },
  ];
  writeFileSync(manifest, JSON.stringify({ tranship: "deps/v1", name: "a", version: "1", items }));
  const of = ["--manifest", manifest, "--cache", join(folder, "cache")];
  for (const action of ["plan", "download", "verify", "status", "prune"]) commands.push(["deps", action, ...of]);
  commands.push(["deps", "export", join(folder, "cache.tar"), ...of]);
  commands.push(["deps", "import", join(folder, "cache.tar"), "--cache", join(folder, "another")]);
  for (const args of commands) {
    const { last } = await linesOf(...args);
    expect(last?.type, args.join(" ")).toBe("report");
  }

  target.fail(faults.status(403), { match: ({ method, path }) => method === "PUT" && /third.*manifests/.test(path) });
  const stopped = await linesOf("sync", from, `${target.host}/third`);
  expect(stopped.lines.slice(-2)).toMatchObject([{ type: "sync.stopped", reason: "failed" }, { type: "failure" }]);

  writeFileSync(join(bundle, "package-alb.tar"), "no archive");
  expect((await linesOf("verify", bundle)).last).toMatchObject({ type: "failure" });
  source.fail(faults.status(403), { match: ({ path }) => path.includes("/packages/alb/blobs/") });
  const failed = await linesOf("pull", join(folder, "other"), "--source", from);
  expect(failed.lines.slice(-2)).toMatchObject([{ type: "pull.stopped", reason: "failed" }, { type: "failure" }]);
  const left = await linesOf("pull", join(folder, "left"), "--source", from, "--keep-going");
  expect([left.code, left.last]).toMatchObject([3, { type: "report", failed: [{ item: "alb" }] }]);
});
