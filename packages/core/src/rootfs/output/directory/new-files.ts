import { closeSync, fstatSync, unlinkSync } from "node:fs";
import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { atFile } from "../../file-error.ts";
import type { Inode } from "../../tree/inode.ts";
import type { FileAttributes } from "../content-job.ts";
import { makeFile } from "../file-writer.ts";
import { hostPath } from "../host-path.ts";
import { accessTimeOf, secondsOf } from "../timestamps.ts";

/** What a file gets by being made in a directory, and what this process may change of it. */
export interface NewFiles {
  readonly uid: number;
  readonly gid: number;
  /** Bits of a mode that the process's mask and the directory's default ACL leave. */
  readonly modeBits: number;
  readonly isRoot: boolean;
  /** Groups the process may give its files to. */
  readonly groups: ReadonlySet<number>;
}

/** Makes a file to see. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
export function probeNewFiles(directory: ByteString): NewFiles {
  const path = `${directory}/.tranship-probe`;
  return atFile(textOfByteString(path), () => {
    const descriptor = makeFile(path, 0o777);
    try {
      const { uid, gid, mode } = fstatSync(descriptor);
      const groups = new Set([...(process.getgroups?.() ?? []), process.getegid?.() ?? gid]);
      return { uid, gid, modeBits: mode & 0o777, isRoot: process.geteuid?.() === 0, groups };
    } finally {
      closeSync(descriptor);
      unlinkSync(hostPath(path));
    }
  });
}

/** What is done about an inode's owner: nothing, because it has it already; a change; or nothing, because it would be refused. */
export function ownerChange({ uid, gid }: Inode, files: NewFiles): "none" | "change" | "refused" {
  if (uid === files.uid && gid === files.gid) return "none";
  return files.isRoot || (uid === files.uid && files.groups.has(gid)) ? "change" : "refused";
}

/** The bits that let a program act for its owner or group. They are never given to a file that belongs to somebody else. */
export const actingBits = 0o6000;

/**
 * What a regular file is given while it is open, in as few calls as give it what it has. One that gets extended attributes
 * later is closed to others until then.
 */
export function attributesOf(inode: Inode, files: NewFiles): FileAttributes {
  const change = ownerChange(inode, files);
  const mode = change === "refused" ? inode.mode & ~actingBits : inode.mode;
  const isLate = inode.xattrs !== undefined;
  const needsChange = (mode & ~files.modeBits) !== 0;
  return {
    createMode: isLate ? 0o600 : mode & 0o777,
    mode: !isLate && needsChange ? mode : undefined,
    owner: change === "change" ? { uid: inode.uid, gid: inode.gid } : undefined,
    times: { atime: secondsOf(accessTimeOf(inode)), mtime: secondsOf(inode.mtime) },
  };
}
