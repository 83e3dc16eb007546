import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { faults, startTestRegistry } from "@tranship/registry/testing";
import { type CatalogSize, seedBigCatalog } from "../support/big-catalog.ts";
import { type InFlightReport, RequestsInFlight } from "../support/requests-in-flight.ts";
import { maxRssBytes, measureTranship, mib, type Usage } from "./measure.ts";

/** The client's own limits together: small requests and downloads at one host. */
const slots = 16;

/** What a bench has to tell: a section of the page, and what is over a limit. */
export interface Findings {
  readonly text: string;
  readonly faults: readonly string[];
}

interface Outcome {
  readonly kind: "plan" | "pull";
  readonly usage: Usage & { readonly elapsedMs: number };
  readonly flight: InFlightReport;
}

/**
 * Plans and pulls a catalog of many small images with the command line, each as a process of its own, from a server that
 * answers every request late: what is measured is whether the program keeps the source busy.
 */
export async function benchCatalog(size: CatalogSize, delayMs: number): Promise<Findings> {
  await using registry = await startTestRegistry();
  seedBigCatalog(registry.registry, size);
  registry.fail(faults.slow({ delayMs }), { match: () => true });
  const folder = mkdtempSync(join(tmpdir(), "tranship-bench-"));
  try {
    const include = Array.from({ length: size.packages }, (_, at) => ["--include-package", `package-${at}@>=1.0.0`]);
    const flags = ["--source", `${registry.host}/demo`, "--no-modules", ...include.flat()];
    const outcomes: Outcome[] = [];
    for (const kind of ["plan", "pull"] as const) {
      using watched = new RequestsInFlight(registry.host);
      const place = kind === "plan" ? ["-o", join(folder, "plan.json")] : [join(folder, "bundle")];
      const usage = await measureTranship(kind, ...place, ...flags);
      outcomes.push({ kind, usage, flight: watched.report() });
    }
    return describe(size, delayMs, outcomes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe({ packages, versions }: CatalogSize, delayMs: number, outcomes: readonly Outcome[]): Findings {
  const rows = outcomes.flatMap(({ kind, usage, flight }) => {
    const idleMs = flight.idleMs.reduce((sum, ms) => sum + ms, 0);
    return [
      `| ${kind}: peak memory (VmHWM) | ${Math.round(usage.peakRssBytes / mib)} MiB | ${maxRssBytes / mib} MiB |`,
      `| ${kind}: requests under way, median over time | ${flight.median} | ${slots / 2} at least |`,
      `| ${kind}: time without any request | ${((100 * idleMs) / flight.elapsedMs).toFixed(1)}%, at most ${Math.round(flight.idleMs[0] ?? 0)} ms | |`,
      `| ${kind}: requests | ${flight.requests} | |`,
      `| ${kind}: processor time | ${(usage.cpuMs / usage.elapsedMs).toFixed(2)} × wall time | |`,
    ];
  });
  const problems = outcomes.flatMap(({ kind, usage, flight }) => [
    ...(usage.peakRssBytes > maxRssBytes ? [`peak memory of the ${kind} is ${usage.peakRssBytes / mib} MiB`] : []),
    ...(flight.median < slots / 2
      ? [`the ${kind} has ${flight.median} requests under way, half of the time fewer`]
      : []),
  ]);
  const date = new Date().toISOString().slice(0, 10);
  const text = [
    `### ${date}: ${packages * versions} images of ${packages} packages`,
    "",
    `\`npx -y pnpm@10 bench catalog --packages ${packages} --versions ${versions} --delay-ms ${delayMs}\`, Node ${process.version}, ${cpus().length} cores, a test registry on the same machine that takes ${delayMs} ms for each answer.`,
    "",
    "| packages by the command line | measured | limit |",
    "|---|---|---|",
    ...rows,
  ].join("\n");
  return { text, faults: problems };
}
