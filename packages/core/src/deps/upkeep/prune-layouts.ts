import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Descriptor, type Digest, isDigest } from "@tranship/registry";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { identityOf, localIfAny } from "../../layout/atomic-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf } from "../../layout/layout-entry.ts";
import type { LayoutIndex } from "../../layout/layout-index.ts";
import { LayoutRepository } from "../../layout/layout-repository.ts";
import { layoutNames } from "../../layout/walk-layouts.ts";
import { keepingTag } from "../images/layout-names.ts";
import { isUnreadable, type LayoutClosure, layoutClosure, readLayoutManifest } from "./layout-closure.ts";
import { type FolderEntry, type PruneFindings, readEntries } from "./prune-findings.ts";

/** What is kept of one layout. */
export interface KeptOfLayout {
  readonly digests: ReadonlySet<Digest>;
  readonly tags: ReadonlySet<string>;
  /** An item that has neither is kept there, so that anything may be it. */
  readonly isAll: boolean;
}

/** How tags are taken that no kept item has. */
export interface TagRules {
  /** Whether a tag was an item's of this cache, in the layout at `path`. */
  readonly wasOurs: (path: string, tag: string) => boolean;
  /** Takes all others for worthless too. */
  readonly dropForeign: boolean;
}

const nothingKept: KeptOfLayout = { digests: new Set(), tags: new Set(), isAll: false };

/** Finds manifests and blobs in a tree of layouts that nothing kept refers to, and folders that would be empty. */
export class LayoutPruner {
  readonly #kept: ReadonlyMap<string, KeptOfLayout>;
  readonly #tags: TagRules;
  readonly #findings: PruneFindings;
  readonly #signal: AbortSignal;

  /** `kept`: by the complete path of the layout. */
  constructor(kept: ReadonlyMap<string, KeptOfLayout>, tags: TagRules, findings: PruneFindings, signal: AbortSignal) {
    this.#kept = kept;
    this.#tags = tags;
    this.#findings = findings;
    this.#signal = signal;
  }

  async visitTree(root: string): Promise<void> {
    await this.#visit(root, root);
  }

  /** Gives whether nothing of the folder will be left. */
  async #visit(folder: string, root: string): Promise<boolean> {
    this.#signal.throwIfAborted();
    const entries = await readEntries(folder);
    const isLayout = entries.some(({ name, stat }) => name === "oci-layout" && stat.isFile());
    const isEmptied = isLayout && (await this.#visitLayout(folder, entries));
    let isEmpty = !isLayout || isEmptied;
    for (const entry of entries) {
      if ((isLayout && layoutNames.has(entry.name)) || entry.name === workFolder) continue;
      if (this.#findings.isUnfinished(entry)) isEmpty = false;
      else if (entry.stat.isDirectory() && /^[a-z0-9]/.test(entry.name) && !layoutNames.has(entry.name))
        isEmpty = (await this.#visit(entry.path, root)) && isEmpty;
      else {
        this.#findings.tellUnknown(entry.path, "it is no part of an image layout");
        isEmpty = false;
      }
    }
    if (isEmpty && folder !== root) this.#findings.removeFolder(folder);
    return isEmpty;
  }

  /** Gives whether the layout goes as a whole. */
  async #visitLayout(path: string, entries: readonly FolderEntry[]): Promise<boolean> {
    const directory = LayoutDirectory.at(path);
    const repository = new LayoutRepository(directory, { listing: "all", isReadOnly: true });
    const kept = this.#kept.get(path) ?? nothingKept;
    let closure: LayoutClosure;
    let listed: readonly Descriptor[];
    let dropped: readonly Descriptor[];
    try {
      const index = await directory.index();
      listed = index?.descriptors ?? [];
      const named = listed.filter((entry) => kept.isAll || (index && this.#keepsTag(path, entry, index, kept)));
      closure = await this.#closure(repository, listed, [...kept.digests, ...named.map(({ digest }) => digest)]);
      const stays = new Set(named);
      dropped = listed.filter(
        (entry) => !stays.has(entry) && (layoutTagOf(entry) !== undefined || !closure.manifests.has(entry.digest)),
      );
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      this.#findings.tellUnknown(path, error instanceof Error ? error.message : "it cannot be read");
      return false;
    }
    const goes = dropped.length > 0 && dropped.length === listed.length && kept === nothingKept;
    const isBare = await this.#visitBlobs(path, new Set(closure.blobs.keys()), goes);
    const identity = await localIfAny(path, async () =>
      identityOf(await stat(join(path, "index.json"), { bigint: true })),
    );
    const entriesGone = dropped.map((entry) => {
      const { digest } = entry;
      return { digest, tag: layoutTagOf(entry), isNeeded: closure.manifests.has(digest) };
    });
    this.#findings.layouts.push({ layout: path, identity, entries: entriesGone });
    if (!goes || !isBare) return false;
    for (const entry of entries)
      if (entry.name === "index.json" || entry.name === "oci-layout") this.#findings.remove(entry, "unused", path);
    return true;
  }

  /** Which tagged entries stay, and with them what they name. */
  #keepsTag(path: string, entry: Descriptor, index: LayoutIndex, kept: KeptOfLayout): boolean {
    const tag = layoutTagOf(entry);
    if (tag === undefined) return false; // it stays if something else needs it
    if (index.tags.get(tag) !== entry) return false; // a later entry has the tag
    if (/^keep-sha(?:256|512)-/.test(tag)) return [...kept.digests].some((one) => keepingTag(one) === tag);
    if (kept.tags.has(tag)) return true;
    return !this.#tags.dropForeign && !this.#tags.wasOurs(path, tag);
  }

  /** What stays, with what refers to it, such as signatures, and what refers to those. */
  async #closure(
    repository: LayoutRepository,
    listed: readonly Descriptor[],
    roots: readonly Digest[],
  ): Promise<LayoutClosure> {
    const subjects = new Map<Digest, Digest>();
    for (const { digest, ...entry } of listed) {
      if (layoutTagOf({ digest, ...entry }) !== undefined) continue;
      const subject = (await readLayoutManifest(repository, digest, this.#signal))?.content.subject?.digest;
      if (subject !== undefined) subjects.set(digest, subject);
    }
    let all = roots;
    for (;;) {
      const closure = await layoutClosure(repository, all, this.#signal);
      const more = [...subjects].filter(
        ([digest, subject]) => closure.manifests.has(subject) && !closure.manifests.has(digest),
      );
      if (more.length === 0) return closure;
      all = [...all, ...more.map(([digest]) => digest)];
    }
  }

  /** Gives whether no blob will be left. */
  async #visitBlobs(layout: string, needed: ReadonlySet<Digest>, goes: boolean): Promise<boolean> {
    let isEmpty = true;
    const root = join(layout, "blobs");
    for (const algorithm of await readEntries(root)) {
      let isBare = algorithm.stat.isDirectory();
      for (const entry of isBare ? await readEntries(algorithm.path) : []) {
        const digest = `${algorithm.name}:${entry.name}`;
        if (isDigest(digest) && entry.stat.isFile() && !needed.has(digest)) {
          this.#findings.remove(entry, "unused", layout);
          continue;
        }
        isBare = false;
        if (!this.#findings.isUnfinished(entry) && !(isDigest(digest) && entry.stat.isFile()))
          this.#findings.tellUnknown(entry.path, "it is no blob");
      }
      if (isBare && goes) this.#findings.removeFolder(algorithm.path);
      else isEmpty = false;
      if (!algorithm.stat.isDirectory()) this.#findings.tellUnknown(algorithm.path, "it is no folder of blobs");
    }
    if (isEmpty && goes) this.#findings.removeFolder(root);
    return isEmpty;
  }
}
