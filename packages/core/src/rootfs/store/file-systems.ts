import { stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

/** A file system, as far as builds care. */
export interface FileSystem {
  /** The file system's number on this machine; `undefined` when it cannot be told. */
  readonly device: number | undefined;
  /** Bytes that this user may still write; `undefined` when it does not tell. */
  readonly freeBytes: number | undefined;
  /** Whether it is known to be on a device of this machine. */
  readonly isLocal: boolean;
}

/** What `statfs` says, as far as it is used. */
export interface FileSystemFacts {
  readonly type: number;
  readonly bsize: number;
  readonly bavail: number;
}

/** Asks the kernel; another one is for tests. */
export type AskFileSystem = (path: string) => Promise<FileSystemFacts>;

/**
 * The file system that `path`, or the nearest folder above it that is there, lies on.
 * @see statfs(2) for the numbers of types
 */
export async function fileSystemOf(path: string, ask: AskFileSystem = statfs): Promise<FileSystem> {
  for (let place = path; ; place = dirname(place)) {
    try {
      const { type, bsize, bavail } = await ask(place);
      const { dev: device } = await stat(place);
      return { device, freeBytes: bsize * bavail, isLocal: localTypes.has(Number(BigInt.asUintN(32, BigInt(type)))) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "ENOENT" || dirname(place) === place) {
        return { device: undefined, freeBytes: undefined, isLocal: false };
      }
    }
  }
}

/**
 * Types of file systems on devices of this machine. What is not here counts as not local, which costs a copy at worst:
 * NFS, SMB, Ceph, 9p, Lustre, GlusterFS and whatever else FUSE brings, cluster file systems, and those nobody has heard of.
 */
const localTypes: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xca451a4e, // bcachefs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x794c7630, // overlayfs
  0x3153464a, // JFS
  0x52654973, // ReiserFS
  0x3434, // NILFS
  0x24051905, // UBIFS
  0x4d44, // FAT
  0x2011bab0, // exFAT
  0x7366746e, // NTFS
  0xf15f, // eCryptfs
]);
