import { Turns } from "../../layout/turns.ts";
import { DepsError } from "../errors.ts";
import type { HostSlots } from "../jobs/host-slots.ts";
import type { BringContext, ItemContent, ItemJob, ProbeContext } from "../jobs/item-job.ts";
import type { DepsItem, FileTreeSink, GitMirrorSource } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import { gitSourceError, parseGitAddress } from "./git-address.ts";
import { folderBytes, isMirror } from "./mirror-folder.ts";
import { describeRef, findRef } from "./mirror-ref.ts";
import type { GitOptions, GitRun } from "./run-git.ts";
import { isSound, updateMirror } from "./update-mirror.ts";

/** Options of {@link createGitJob}. */
export interface GitJobOptions extends Omit<GitOptions, "signal"> {
  /** Mirrors repositories of this machine, too: by `file://` addresses and absolute paths. @defaultValue `false` */
  readonly allowLocal?: boolean | undefined;
}

/**
 * Mirrors git repositories with the system's git: bare, all refs, in a folder that others can clone from. A tag, a commit
 * and an exact version are present once they are there; what a branch is can be told by the server alone. A deep look reads
 * all that is in a mirror, as `git fsck` does.
 *
 * A ref must exist in the end. Ranges of versions and pre-releases name no one tag: of those only the repository is asked.
 */
export function createGitJob(options: GitJobOptions = {}): ItemJob {
  const turns = new Turns<string>(); // one git at a time in a mirror
  const updated = new WeakMap<HostSlots, Set<string>>(); // mirrors, by the run they were brought up to date in
  const runFor = ({ source, sink }: GitItem, signal: AbortSignal, program = options.program): GitRun => {
    const address = parseGitAddress(source.url, options);
    const isLocal = address.scheme === "file";
    return {
      ...options,
      program,
      signal,
      address,
      folder: sink.path,
      step: `mirror the git repository ${address.shown}`,
      settings: [`protocol.file.allow=${isLocal ? "always" : "never"}`],
    };
  };

  return {
    async probe(item: DepsItem, { signal, isDeep }: ProbeContext): Promise<Presence> {
      const git = requireGitItem(item);
      const { source, sink } = git;
      const run = { ...runFor(git, signal), repository: sink.path };
      if (!(await isMirror(sink.path))) return "absent";
      try {
        const found = await findRef(source, run);
        if (found === "missing") return "absent";
        if (isDeep && !(await isSound(sink, run, { isDeep }))) return "differs";
        return source.ref.type === "branch" || found === "untold" ? "unpinned" : "present";
      } catch (error) {
        if (error instanceof DepsError && ["GIT_FAILED", "TOOL_MISSING"].includes(error.code)) return "absent";
        throw error;
      }
    },

    async bring(item: DepsItem, context: BringContext): Promise<ItemContent> {
      const git = requireGitItem(item);
      const { source, sink } = git;
      const { access, slots, signal, progress, staging } = context;
      const run = runFor(git, signal, access.git);
      const { address } = run;
      if (address.host !== "") access.hosts?.require(address.host, item.id);
      await staging.prepare(sink.path); // git goes where links lead
      const isBound = access.hosts !== undefined; // git would follow a redirect to any host
      const settings = [...(run.settings ?? []), ...(isBound ? ["http.followRedirects=false"] : [])];
      const inside = { ...run, repository: sink.path };
      await turns.run(sink.path, async () => {
        signal.throwIfAborted();
        const isThere =
          source.ref.type !== "branch" && (await isMirror(sink.path)) && (await findRef(source, inside)) === "found";
        const done = updated.get(slots) ?? new Set();
        if (isThere && done.has(sink.path)) return; // who had the turn before wanted another ref of it
        using _slot = await slots.take(address.host, signal);
        progress.started();
        await updateMirror({ url: source.url, address, path: sink.path }, { ...run, settings }, { isDoubted: isThere });
        updated.set(slots, done.add(sink.path));
      });
      if ((await findRef(source, inside)) === "missing")
        throw gitSourceError(source.url, `it has no ${describeRef(source.ref)}`);
      const content = await contentOf(sink, signal);
      progress.add(content.sizeBytes);
      return content;
    },

    async content(item: DepsItem, { signal }: ProbeContext): Promise<ItemContent> {
      return await contentOf(requireGitItem(item).sink, signal);
    },
  };
}

/** {@link createGitJob} for repositories of servers. */
export const gitJob: ItemJob = createGitJob();

interface GitItem {
  readonly source: GitMirrorSource;
  readonly sink: FileTreeSink;
}

function requireGitItem({ id, source, sink }: DepsItem): GitItem {
  if (source.type === "git" && sink.type === "file") return { source, sink };
  const message = `cannot keep ${id}: what comes from a source of type ${source.type} is no ${sink.type}`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: id, source: source.type, sink: sink.type });
}

async function contentOf({ path }: FileTreeSink, signal: AbortSignal): Promise<ItemContent> {
  return { path, sizeBytes: await folderBytes(path, signal) };
}
