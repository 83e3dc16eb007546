import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BytesInJson, MetadataSidecar, MetadataSidecarEntry } from "@tranship/core/rootfs";
import { readDirectory } from "./read-directory.ts";
import { finishRecords, type ReadRecord, type TreeRecord } from "./tree-record.ts";

/** Nobody in particular. */
export const someoneElse = 65_534;

/** What a directory that another user wrote has, and what it has together with the file beside it. */
export interface UnprivilegedTree {
  readonly found: readonly TreeRecord[];
  readonly completed: readonly TreeRecord[];
}

/** Has another user write the image of a layout into a directory of `folder`, which is opened to them. Needs root. */
export function readUnprivileged(layout: string, folder: string): UnprivilegedTree {
  const [own, copy] = [join(folder, "unprivileged"), join(folder, "readable-layout")];
  chmodSync(folder, 0o711);
  mkdirSync(own);
  chownSync(own, someoneElse, someoneElse);
  cpSync(layout, copy, { recursive: true });
  execFileSync("chmod", ["-R", "a+rX", "--", copy]);
  const directory = join(own, "directory");
  const program = fileURLToPath(new URL("make-directory.ts", import.meta.url));
  const as = [`--reuid=${someoneElse}`, `--regid=${someoneElse}`, "--clear-groups", "--"];
  const said = execFileSync("setpriv", [...as, process.execPath, program, copy, directory], { encoding: "utf8" });
  const { sidecar } = JSON.parse(said) as { sidecar: string };
  const found = readDirectory(directory);
  return { found, completed: completed(found, JSON.parse(readFileSync(sidecar, "utf8")) as MetadataSidecar) };
}

/** Gives every entry what the sidecar says it lacks, and makes those it says are missing. */
function completed(found: readonly TreeRecord[], { entries }: MetadataSidecar): readonly TreeRecord[] {
  const all = new Map<string, ReadRecord>(
    found.map(({ firstName, ...record }) => [
      record.path,
      { ...record, inode: record.type === "directory" ? undefined : (firstName ?? record.path) },
    ]),
  );
  for (const entry of entries) {
    const path = bytesOf(entry.path) || ".";
    const known = all.get(path);
    if ((known === undefined) !== (entry.missing === true || entry.hardLinkTo !== undefined)) {
      throw new Error(`${path} is ${known ? "there" : "not there"}, unlike the sidecar says`);
    }
    const first = entry.hardLinkTo === undefined ? undefined : all.get(bytesOf(entry.hardLinkTo));
    all.set(path, first ? { ...first, path } : withMetadata(path, entry, known));
  }
  // What is said of one name of an inode is true of all of them.
  const inodes = new Map<string, ReadRecord>();
  for (const entry of entries) {
    const record = all.get(bytesOf(entry.path) || ".");
    if (record?.inode !== undefined && entry.hardLinkTo === undefined) inodes.set(record.inode, record);
  }
  const same = ({ path, inode }: ReadRecord) => ({ ...(inodes.get(inode ?? "") ?? all.get(path)), path });
  return finishRecords([...all.values()].map((record) => ({ ...record, ...same(record) })));
}

function withMetadata(path: string, entry: MetadataSidecarEntry, known: ReadRecord | undefined): ReadRecord {
  const { type, uid, gid, mode, mtime, device } = entry;
  const lacking = (entry.xattrs ?? []).map(
    ({ name, value }) => `${bytesOf(name)}=${Buffer.from(value, "base64").toString("hex")}`,
  );
  const base = known ?? { path, type, mode: 0, uid: 0, gid: 0, mtime: 0n, xattrs: [], inode: path };
  return {
    ...base,
    uid: uid ?? base.uid,
    gid: gid ?? base.gid,
    mode: mode === undefined ? base.mode : Number.parseInt(mode, 8),
    mtime: mtime === undefined ? base.mtime : nanosecondsOf(mtime),
    device: device ? `${device.major}:${device.minor}` : base.device,
    xattrs: [...base.xattrs, ...lacking].sort(),
  };
}

function bytesOf(value: BytesInJson): string {
  return typeof value === "string"
    ? Buffer.from(value, "utf8").toString("latin1")
    : Buffer.from(value.base64, "base64").toString("latin1");
}

function nanosecondsOf(decimal: string): bigint {
  const [whole = "", fraction = ""] = decimal.replace("-", "").split(".");
  const size = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
  return decimal.startsWith("-") ? -size : size;
}
