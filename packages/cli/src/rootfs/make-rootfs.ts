import type { FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import {
  ensureArtifactBuildPreflight,
  findExt4Tools,
  formatPlatform,
  LayerCache,
  type OnRootfsEvent,
  type PreparedSource,
  Rootfs,
  type RootfsLimits,
  readEnvironment,
} from "@tranship/core/rootfs";
import type { CliContext } from "../context.ts";
import { checkRegistryFlags } from "../flags/flags.ts";
import { parseLimits } from "../flags/limit-flag.ts";
import type { RootfsFlags } from "../flags/rootfs-flags.ts";
import type { RootfsReport } from "../output-schema/rootfs-report.ts";
import { rootfsSummary } from "../print/rootfs-summary.ts";
import { UsageError } from "../usage-error.ts";
import { type Hook, loadHooks, runHooks } from "./hooks.ts";
import { type RootfsOutput, rootfsOutput } from "./rootfs-output.ts";
import { withImage } from "./with-image.ts";
import { sendOut, type WrittenRootfs, writeNameless, writeOutput } from "./write-output.ts";

/** What is made of an image and how, as flags say it. */
interface Job {
  readonly output: RootfsOutput;
  readonly hooks: readonly Hook[];
  readonly limits: Partial<RootfsLimits>;
  readonly flags: RootfsFlags;
}

/** Finds an image, and writes its root file system. @throws UsageError before anything is asked; RootfsError */
export async function makeRootfs(
  reference: string | undefined,
  flags: RootfsFlags,
  context: CliContext,
  isGiven: (option: keyof RootfsFlags) => boolean,
): Promise<void> {
  const startedMs = performance.now();
  checkRegistryFlags(flags);
  const limits = parseLimits(flags.limit);
  jobsOf(flags);
  if (flags.mode !== undefined && flags.mode !== "native") requireUntold(flags.mode, isGiven);
  const output = await rootfsOutput(flags, context, flags.journal === true && isGiven("journal"));
  const hooks = await loadHooks(flags.hook, reference ?? flags.source ?? "");
  const { environment, signal } = context;
  if (output.format === "ext4") {
    await findExt4Tools(environment); // before anything is fetched in vain
    if (flags.dryRun) await ensureArtifactBuildPreflight({ mode: "native", environment, signal });
  }
  const job: Job = { output, hooks, limits, flags };
  const { archive, ...made } = await withImage(reference, flags, limits, context, async (source) => {
    const found = reportOf(source, job);
    return { ...found, ...(flags.dryRun ? { archive: undefined } : await make(source, job, context)) };
  });
  const sent = archive && (await sendOut(archive, context)); // nothing else is left by now
  const report = { ...made, ...sent, elapsedMs: Math.round(performance.now() - startedMs) };
  const summary = rootfsSummary(report);
  if (sent) context.output.aside(summary);
  else context.output.report("rootfs", report, summary);
}

interface Made extends WrittenRootfs {
  readonly inodes: number;
  readonly fileBytes: number;
  /** What goes to standard output. */
  readonly archive: FileHandle | undefined;
}

async function make(source: PreparedSource, job: Job, context: CliContext): Promise<Made> {
  const { output, hooks, limits, flags } = job;
  const { signal, environment } = context;
  const onEvent: OnRootfsEvent = (event) =>
    context.onEvent(event.type === "warning" ? { type: "warning.raised", ...event.warning } : event);
  const settings = readEnvironment(environment);
  const folder = flags.layerCache ?? settings.layerCacheDir;
  const quotaBytes = settings.layerCacheQuotaBytes;
  await using cache = folder === undefined ? undefined : new LayerCache(folder, { quotaBytes, onEvent });
  await using rootfs = await Rootfs.open(source, {
    directory: output.path === "-" ? tmpdir() : dirname(resolve(output.path)), // where room is needed anyway
    jobs: jobsOf(flags) ?? settings.nativeRootfsExportJobs,
    cache,
    limits,
    signal,
    onEvent,
  });
  const { config, digest } = source;
  await runHooks(hooks, rootfs.files, { config, digest, signal });
  const { inodes, fileBytes } = rootfs.totals();
  if (output.path === "-") return { inodes, fileBytes, archive: await writeNameless(rootfs, signal) };
  return { inodes, fileBytes, archive: undefined, ...(await writeOutput(rootfs, output, context)) };
}

/** What is known of an image that was found. */
function reportOf(source: PreparedSource, { output, hooks, flags }: Job): Omit<RootfsReport, "elapsedMs"> {
  const { manifestDigest, indexDigest, image, config } = source;
  const { entrypoint, cmd, env, workingDir, user } = config;
  return {
    dryRun: flags.dryRun ?? false,
    reference: source.localRef,
    digest: source.digest,
    ...(manifestDigest === undefined ? {} : { manifestDigest }),
    ...(indexDigest === undefined ? {} : { indexDigest }),
    ...(image?.platform === undefined ? {} : { platform: formatPlatform(image.platform) }),
    mode: source.exportMode,
    ...(image === undefined ? {} : { layers: image.layers.length }),
    compressedBytes: source.compressedSizeBytes,
    config: { entrypoint, cmd, env, workingDir, user },
    output: output.path,
    format: output.format,
    hooks: hooks.length,
  };
}

/** What skopeo and a Docker daemon would have to be told of the way to a registry, and are not. */
const ofOurWay: readonly (readonly [keyof RootfsFlags, string])[] = [
  ["ca", "--ca"],
  ["clientCert", "--client-cert"],
  ["tlsSkipVerify", "--tls-skip-verify"],
  ["proxy", "--proxy"],
  ["mirror", "--mirror"],
];

/** @throws UsageError for a flag that would have no effect */
function requireUntold(mode: string, isGiven: (option: keyof RootfsFlags) => boolean): void {
  const [, told] = ofOurWay.find(([option]) => isGiven(option)) ?? [];
  if (told !== undefined)
    throw new UsageError(
      `${told} is of --mode native: who reads the image with --mode ${mode} has settings of its own`,
    );
}

function jobsOf({ jobs }: RootfsFlags): number | undefined {
  if (jobs === undefined) return undefined;
  if (/^[1-9][0-9]?$/.test(jobs)) return Number(jobs);
  throw new UsageError(`--jobs ${jobs}: write it as a whole number from 1 to 99`);
}
