import type { Digest } from "@tranship/registry";

/** A repository offered as the home of a blob; more than a few are no help to a registry. */
const maxMountHints = 4;

/** Which repositories of a target are known to have a blob, so that others can mount it from there. */
export class BlobHolders {
  readonly #paths = new Map<Digest, string[]>();

  /** Takes note that the repository at `path` has it. */
  hold(digest: Digest, path: string): void {
    const holders = this.#paths.get(digest);
    if (!holders) this.#paths.set(digest, [path]);
    else if (holders.length <= maxMountHints && !holders.includes(path)) holders.push(path);
  }

  /** A few repositories to mount it from into the one at `path`; that one is never among them. */
  hintsFor(digest: Digest, path: string): readonly string[] {
    return (this.#paths.get(digest) ?? []).filter((holder) => holder !== path).slice(0, maxMountHints);
  }
}
