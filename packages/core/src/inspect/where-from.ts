import { compareText, refNameOf } from "../layout/index-file.ts";
import type { LockFile } from "../plan/lock-file.ts";
import type { Reason } from "../plan/section.ts";
import type { ImageDraft } from "./finish-repository.ts";

/** What locks say of where images come from. */
export interface PlannedOrigins {
  /** By path: the full name of the repository it was read from. */
  readonly sources: ReadonlyMap<string, string>;
  /** By `path@digest`: why the image is there. */
  readonly reasons: ReadonlyMap<string, ReadonlySet<Reason>>;
}

/** What locks say of where images come from and why they are there. */
export function plannedIn(locks: readonly LockFile[]): PlannedOrigins {
  const sources = new Map<string, string>();
  const reasons = new Map<string, Set<Reason>>();
  const sections = locks.flatMap(({ archives }) => archives.flatMap((archive) => archive.sections));
  for (const { path, source, images } of sections.flatMap(({ repositories }) => repositories)) {
    sources.set(path, source);
    for (const { digest, why } of images) {
      const key = `${path}@${digest}`;
      reasons.set(key, new Set([...(reasons.get(key) ?? []), ...why].sort(compareText)));
    }
  }
  return { sources, reasons };
}

/** Where an index says that its first image came from, without tag and digest. */
export function sourceOf(drafts: readonly ImageDraft[]): string | undefined {
  const name = drafts
    .map(({ descriptor }) => refNameOf(descriptor))
    .find((reference) => reference !== undefined && /^[\x21-\x7e]{1,1024}$/.test(reference) && reference.includes("/"));
  return name?.replace(/@.*$/, "").replace(/:[^/]*$/, "");
}

/** The registry's root: where the repository was, without its own path. */
export function rootOfSource(source: string | undefined, path: string): readonly string[] {
  if (source === undefined) return [];
  if (path === "" || !source.endsWith(`/${path}`)) return [source];
  return [source.slice(0, -path.length - 1)];
}
