import { createHash } from "node:crypto";
import { type Digest, type DigestAlgorithm, digestAlgorithm, isDigest } from "@tranship/registry";
import * as z from "zod";
import type { FileMark } from "./hash-file.ts";
import { requireVersion } from "./own-file.ts";

/** The version of the file that this code reads and writes. */
export const stampsVersion = 1;

/** The most files that anything is noted of; those checked longest ago are forgotten. */
const maxStamps = 250_000;

const headerLine = z.object({ version: z.literal(stampsVersion), sha256: z.string() });

/** What a file held when it was looked at last. */
interface Stamp {
  /** See {@link identityOf}. */
  readonly identity: string;
  /** One for each algorithm it was hashed with. */
  readonly digests: readonly Digest[];
  /** When it was hashed last, or written, in milliseconds since 1970. */
  readonly checkedAtMs: number;
}

/** Which files hold what, by names. */
export class StampTable {
  /** The number of the device that the cache is on: other numbers may be given after each start of the machine. */
  readonly #ownDevice: bigint;
  readonly #stamps: Map<string, Stamp>;
  #changes = 0;
  #saved = 0;

  constructor(ownDevice: bigint, stamps: Iterable<readonly [string, Stamp]> = []) {
    this.#ownDevice = ownDevice;
    this.#stamps = new Map(stamps);
  }

  /** What {@link StampTable.snapshot} gave. @throws DepsError `CACHE_VERSION`; others for what is no such text */
  static parse(text: string, path: string, ownDevice: bigint): StampTable {
    const end = text.indexOf("\n");
    const json: unknown = JSON.parse(text.slice(0, end));
    requireVersion(json, stampsVersion, path);
    const body = text.slice(end + 1);
    if (headerLine.parse(json).sha256 !== sha256(body)) throw new Error("its bytes are others than were written");
    return new StampTable(ownDevice, stampsIn(JSON.parse(body)));
  }

  /** The digest noted for a file, if it is still in the state it was in. */
  digestOf(name: string, mark: FileMark, algorithm: DigestAlgorithm | undefined): Digest | undefined {
    const stamp = this.#stamps.get(name);
    if (stamp === undefined || stamp.identity !== identityOf(mark, this.#ownDevice)) return undefined;
    return stamp.digests.find((digest) => algorithm === undefined || digestAlgorithm(digest) === algorithm);
  }

  /** Notes what a file in this state holds. */
  note(name: string, mark: FileMark, digest: Digest, checkedAtMs: number): void {
    const identity = identityOf(mark, this.#ownDevice);
    const known = this.#stamps.get(name);
    const others = known?.identity === identity ? known.digests : [];
    const digests = [digest, ...others.filter((one) => digestAlgorithm(one) !== digestAlgorithm(digest))];
    this.#stamps.delete(name); // the order is that of the last checks
    this.#stamps.set(name, { identity, digests, checkedAtMs });
    this.#changes += 1;
  }

  /** Forgets what a file held. */
  forget(name: string): void {
    if (this.#stamps.delete(name)) this.#changes += 1;
  }

  get isChanged(): boolean {
    return this.#changes !== this.#saved;
  }

  /** All of it as it is saved, and what to call once that is on the disk. */
  snapshot(): { readonly text: string; readonly onSaved: () => void } {
    const changes = this.#changes;
    for (const name of this.#stamps.keys()) {
      if (this.#stamps.size <= maxStamps) break;
      this.#stamps.delete(name);
    }
    const lines: string[] = [];
    for (const [name, { identity, digests, checkedAtMs }] of this.#stamps)
      lines.push(JSON.stringify([name, identity, digests, checkedAtMs]));
    const body = `[\n${lines.join(",\n")}\n]\n`;
    return {
      text: `${JSON.stringify({ version: stampsVersion, sha256: sha256(body) })}\n${body}`,
      onSaved: () => {
        this.#saved = changes;
      },
    };
  }
}

/** Equal only for the same file, unchanged. */
function identityOf({ dev, ino, size, mtimeNs }: FileMark, ownDevice: bigint): string {
  return [dev === ownDevice ? "" : dev, ino, size, mtimeNs].join(":");
}

function* stampsIn(body: unknown): Generator<readonly [string, Stamp]> {
  if (!Array.isArray(body)) throw new Error("it is no list");
  for (const row of body as readonly unknown[]) {
    const [name, identity, digests, checkedAtMs] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    if (typeof name !== "string" || typeof identity !== "string" || typeof checkedAtMs !== "number")
      throw new Error("a line of it is no note of a file");
    if (!Array.isArray(digests) || !digests.every((one): one is Digest => typeof one === "string" && isDigest(one)))
      throw new Error("a digest of it is none");
    yield [name, { identity, digests, checkedAtMs }];
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
