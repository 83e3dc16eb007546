import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Runs every example as a process of its own, two at a time; ends with 1 when one fails. */
async function main(folder: string): Promise<void> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== basename(import.meta.filename));
  const waiting = [...files];
  let failed = 0;
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const startedMs = performance.now();
      const { code, output } = await run(join(folder, file));
      const isDone = code === 0;
      console.log(`${isDone ? "ok    " : "FAILED"} ${file} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
      if (isDone) continue;
      failed += 1;
      console.error(output);
    }
  };
  await Promise.all([work(), work()]);
  console.log(`${files.length - failed} of ${files.length} examples ran`);
  if (failed > 0 || files.length === 0) process.exitCode = 1;
}

/** Sources that one example has compiled are read by the next. */
const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "tranship-compile-cache") };

function run(path: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [path], { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000, env });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

await main(import.meta.dirname);
