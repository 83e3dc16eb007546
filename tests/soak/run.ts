import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { allowedBytes, killRun } from "./kill-run.ts";

/**
 * Kills pulls at random moments and runs them again, until they are through; the archives must come out the same and
 * little may be sent twice.
 *
 *     npx -y pnpm@10 soak [--kills 20] [--bytes 300000000] [--seed N] [--runs 1] [--bytes-per-second N] [--write]
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kills: { type: "string", default: "20" },
      bytes: { type: "string", default: "300000000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      runs: { type: "string", default: "1" },
      "bytes-per-second": { type: "string", default: "8000000" },
      write: { type: "boolean", default: false },
    },
  });
  const [kills, bytes, bytesPerSecond] = [values.kills, values.bytes, values["bytes-per-second"]].map(Number);
  if (!kills || !bytes || !bytesPerSecond)
    throw new Error("--kills, --bytes and --bytes-per-second are numbers above 0");
  for (let run = 0; run < Number(values.runs); run += 1) {
    const seed = Number(values.seed) + run;
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
      write(`--kills ${kills} --bytes ${bytes} --bytes-per-second ${bytesPerSecond} --seed ${seed}`, outcome);
    }
  }
}

function write(flags: string, outcome: string): void {
  const date = new Date().toISOString().slice(0, 10);
  const text = `\n### ${date}: killed and run again\n\n\`npx -y pnpm@10 soak ${flags}\`: ${outcome}.\n`;
  appendFileSync(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), text);
}

await main();
