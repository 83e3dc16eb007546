import type { GitMirrorSource } from "../manifest.ts";
import { gitSourceError } from "./git-address.ts";
import { type GitRun, runGit } from "./run-git.ts";
import { exactSemverTags } from "./semver-tags.ts";

/** Fewer digits do not name a commit. */
const commitPattern = /^[0-9a-f]{7,64}$/i;

/**
 * What is said of a ref: a commit it leads to, that it cannot be told (a range of versions names no one tag), or that it
 * is not there.
 */
export type FoundRef = "found" | "untold" | "missing";

/** Looks for the ref of a source in a mirror. Asks no server. @throws DepsError `GIT_SOURCE`, `GIT_FAILED`, `TOOL_MISSING` */
export async function findRef({ url, ref }: GitMirrorSource, run: GitRun): Promise<FoundRef> {
  const { type, name } = ref;
  switch (type) {
    case "branch":
      return await existing([`refs/heads/${name}`], run);
    case "tag":
      return await existing([`refs/tags/${name}`], run);
    case "semver": {
      const tags = exactSemverTags(name);
      return tags === undefined
        ? "untold"
        : await existing(
            tags.map((tag) => `refs/tags/${tag}`),
            run,
          );
    }
    case "commit":
      if (!commitPattern.test(name)) throw gitSourceError(url, `${JSON.stringify(name.slice(0, 100))} is no commit`);
      return (await commitOf(name, run)) ? "found" : "missing";
  }
}

/** How messages name a ref. */
export function describeRef({ type, name }: GitMirrorSource["ref"]): string {
  return `${type === "semver" ? "tag for version" : type} ${JSON.stringify(name.slice(0, 300))}`;
}

/** Whether the first of the refs that is there leads to something that is there, too. Names are taken as they are. */
async function existing(names: readonly string[], run: GitRun): Promise<FoundRef> {
  for (const name of names) {
    if (/[\p{Cc}]/u.test(name)) return "missing";
    const shown = await runGit(["show-ref", "--verify", "--hash", "--", name], { ...run, accept: [0, 1, 128] });
    const object = shown.stdout.trim();
    if (shown.exitCode === 0 && /^[0-9a-f]{40,64}$/.test(object) && (await commitOf(object, run))) return "found";
  }
  return "missing";
}

/** Whether an object, or its one beginning, is a commit or a tag of one, and its files are there at the top. */
async function commitOf(object: string, run: GitRun): Promise<boolean> {
  const words = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${object}^{commit}`];
  const { exitCode, stdout } = await runGit(words, { ...run, accept: [0, 1, 128] });
  const commit = stdout.trim();
  if (exitCode !== 0 || !/^[0-9a-f]{40,64}$/.test(commit)) return false;
  const tree = await runGit(["cat-file", "-e", `${commit}^{tree}`], { ...run, accept: [0, 1, 128] });
  return tree.exitCode === 0;
}
