import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type ConformanceHome, homes } from "./homes.ts";
import { buildSuite, runSuite } from "./suite.ts";

/**
 * Runs the distribution specification's own conformance suite against our server, once for each home of content.
 *
 *     npx -y pnpm@10 conformance [--home memory]
 */
const root = fileURLToPath(new URL("../../../", import.meta.url));

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { home: { type: "string", multiple: true } } });
  const chosen = homes.filter(({ name }) => values.home?.includes(name) ?? true);
  if (chosen.length === 0) throw new Error(`no such home; there are ${homes.map(({ name }) => name).join(", ")}`);
  const suite = await buildSuite();
  if (suite.path === undefined) throw new Error(suite.missing);
  for (const home of chosen) if (!(await check(suite.path, home))) process.exitCode = 1;
}

async function check(suite: string, { name, credentials, open }: ConformanceHome): Promise<boolean> {
  await using home = await open();
  const reports = join(root, "reports", "conformance", name);
  const mountsUnasked = "repositoriesWithBlob" in home.registry; // what our server goes by
  const target = { url: home.url, credentials, mountsUnasked, reports };
  const { passed, failed, skipped, output } = await runSuite(suite, target);
  if (failed.length > 0) console.log(output);
  console.log(`${name}: ${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
  for (const spec of failed) console.log(`  failed: ${spec}`);
  for (const spec of skipped) console.log(`  skipped: ${spec}`);
  console.log(`  report: ${relative(root, join(reports, "report.html"))}`);
  return failed.length === 0 && passed.length > 0;
}

await main();
