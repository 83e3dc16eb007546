import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { DepsSourceProcess } from "../soak/deps-source-process.ts";
import type { Findings } from "./catalog.ts";
import { median, mib, timeProgram } from "./measure.ts";
import { packedProgram } from "./packed-program.ts";

/** A full cache is looked through within this time, the start of the program included, in milliseconds. */
const maxOfflineMs = 1000;

/** A thousand items. */
const world = {
  seed: 1,
  files: 700,
  images: 250,
  charts: 50,
  seeds: 0,
  localCharts: 0,
  gitBytes: 1000,
  maxFileBytes: 8 * mib,
} as const;

const manifests = ["vmconfig_knc_debian-13_amd64", "components", "templates", "seeds"] as const;

/**
 * Downloads what is there already, with the packages as they would be published, in turns with programs that read and
 * hash all of its bytes: offline, with the digests of manifests given, and asking whether manifests are new.
 */
export async function benchDeps(rounds: number): Promise<Findings> {
  const home = mkdtempSync(join(tmpdir(), "tranship-bench-"));
  try {
    const program = packedProgram(home);
    const source = await DepsSourceProcess.start({ ...world, folder: join(home, "local") });
    const faults: string[] = [];
    let isUp = true;
    try {
      await source.publish(1);
      const pins = await pinsOf(source.baseUrl);
      const cache = join(home, "cache", "deps");
      const preset = ["--preset", "podplane", "--arch", "amd64", "--cache", cache];
      const download = (...flags: readonly string[]) =>
        timeProgram(process.execPath, [
          program,
          "deps",
          "download",
          ...preset,
          "--base-url",
          source.baseUrl,
          "--skip-components-git",
          ...flags,
        ]);
      const sums = `find ${join(home, "cache")} -type f -not -path '*/.tranship/*' -print0 | xargs -0 sha256sum`;
      console.error(`filling a cache: ${Math.round(await download())} ms`);
      const filled = await source.count();
      const runs: Readonly<Record<string, () => Promise<number>>> = {
        offline: () => download("--offline"),
        pinned: () => download(...pins),
        online: () => download(),
        deep: () => download("--offline", "--deep"),
        sha256sum: () => timeProgram("sh", ["-c", sums]),
        version: () => timeProgram(process.execPath, [program, "--version"]),
      };
      const times = new Map<string, number[]>(Object.keys(runs).map((name) => [name, []]));
      for (let round = 0; round < rounds; round += 1) {
        for (const [name, run] of Object.entries(runs)) {
          const before = await source.count();
          times.get(name)?.push(await run());
          const after = await source.count();
          const asked = after.requests - before.requests - (name === "online" ? manifests.length : 0);
          if (asked !== 0) faults.push(`${name}: ${asked} requests too many`);
        }
        console.error(Array.from(times, ([name, all]) => `${name} ${Math.round(all.at(-1) ?? 0)} ms`).join(", "));
      }
      await source[Symbol.asyncDispose]();
      isUp = false;
      await runs.offline?.();
      const of = (name: string) => median(times.get(name) ?? []);
      if (of("offline") > maxOfflineMs) faults.push(`a full cache takes ${Math.round(of("offline"))} ms offline`);
      return { text: describe(rounds, filled.bytes, of), faults };
    } finally {
      if (isUp) await source[Symbol.asyncDispose]();
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function pinsOf(baseUrl: string): Promise<readonly string[]> {
  const pins = manifests.map(async (name) => {
    const answer = await fetch(`${baseUrl}/manifests/${name}.json`);
    const digest = createHash("sha256")
      .update(new Uint8Array(await answer.arrayBuffer()))
      .digest("hex");
    return ["--pin", `${name}=sha256:${digest}`];
  });
  return (await Promise.all(pins)).flat();
}

function describe(rounds: number, bytes: number, of: (name: string) => number): string {
  const items = world.files + world.images + world.charts;
  const row = (what: string, name: string) =>
    `| ${what} | ${Math.round(of(name))} ms | ${(of("sha256sum") / of(name)).toFixed(1)}× | ${(of("deep") / of(name)).toFixed(1)}× |`;
  const date = new Date().toISOString().slice(0, 10);
  return [
    `### ${date}: a cache of ${items} dependencies that is full, ${rounds} rounds`,
    "",
    `\`npx -y pnpm@10 bench deps --rounds ${rounds}\`, Node ${process.version}, ${cpus().length} cores. ${world.files} files, ${world.images} images and ${world.charts} charts, ${Math.round(bytes / mib)} MiB. Medians, start of the program included; limit for the first: ${maxOfflineMs} ms.`,
    "",
    "| `tranship deps download` | time | `sha256sum` of all files takes | `--deep` takes |",
    "|---|---|---|---|",
    row("`--offline`, no request", "offline"),
    row("`--pin` for each manifest, no request", "pinned"),
    row("asks whether the four manifests are new", "online"),
    row("`--offline --deep`", "deep"),
    row("for comparison: `tranship --version`", "version"),
  ].join("\n");
}
