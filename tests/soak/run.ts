import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { copies } from "./copies.ts";
import { allowedBytes, killRun } from "./kill-run.ts";

/**
 * Long runs that look for loss. `kills` (what it does unless told) kills pulls at random moments and runs them again, until
 * they are through; the archives must come out the same and little may be sent twice. `copies` copies random content
 * between all homes while requests go wrong; it must arrive equal.
 *
 *     npx -y pnpm@10 soak [kills] [--kills 20] [--bytes 300000000] [--seed N] [--runs 1] [--bytes-per-second N] [--write]
 *     npx -y pnpm@10 soak copies [--runs 2000] [--seed N] [--write]
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      kills: { type: "string", default: "20" },
      bytes: { type: "string", default: "300000000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      runs: { type: "string" },
      "bytes-per-second": { type: "string", default: "8000000" },
      write: { type: "boolean", default: false },
    },
  });
  const seedOfFirst = Number(values.seed);
  if (positionals[0] === "copies") {
    const outcome = await copies({ runs: Number(values.runs ?? 2000), seed: seedOfFirst });
    if (values.write && process.exitCode !== 1)
      write("random content copied", `copies --runs ${outcome.runs} --seed ${seedOfFirst}`, outcome.text);
    return;
  }
  const [kills, bytes, bytesPerSecond] = [values.kills, values.bytes, values["bytes-per-second"]].map(Number);
  if (!kills || !bytes || !bytesPerSecond)
    throw new Error("--kills, --bytes and --bytes-per-second are numbers above 0");
  for (let run = 0; run < Number(values.runs ?? 1); run += 1) {
    const seed = seedOfFirst + run;
    console.log(`run ${run + 1}: --seed ${seed} --kills ${kills} --bytes ${bytes}`);
    const report = await killRun({ kills, bytes, seed, bytesPerSecond, log: (line) => console.log(`  ${line}`) });
    const again = report.disturbedBytes - report.undisturbedBytes;
    const isWithin = report.disturbedBytes <= allowedBytes(report);
    const outcome =
      `${report.archives} files, ${report.differing.length} differing; ${again} bytes sent again ` +
      `(${((100 * again) / report.undisturbedBytes).toFixed(2)}%, ${Math.round(again / kills / 1024)} KiB a kill)`;
    console.log(`  ${outcome}`);
    if (report.differing.length > 0) console.error(`  differing: ${report.differing.join(", ")}`);
    if (!isWithin) console.error(`  over the limit of ${allowedBytes(report)} bytes`);
    if (report.differing.length > 0 || !isWithin) process.exitCode = 1;
    else if (values.write) {
      write(
        "killed and run again",
        `--kills ${kills} --bytes ${bytes} --bytes-per-second ${bytesPerSecond} --seed ${seed}`,
        outcome,
      );
    }
  }
}

function write(title: string, flags: string, outcome: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const text = `\n### ${date}: ${title}\n\n\`npx -y pnpm@10 soak ${flags}\`: ${outcome}.\n`;
  appendFileSync(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), text);
}

await main();
