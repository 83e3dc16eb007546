import { spawnSync } from "node:child_process";

/** Why file systems of a given size cannot be made here; `undefined` when they can. */
export const noSmallDisk: string | undefined = whyNot();

/**
 * Mounts a file system of exactly `bytes` bytes in memory over a folder, rounded up to pages, and of `files` files, folders
 * counted. Needs `noSmallDisk === undefined`.
 */
export function mountDisk(folder: string, bytes: number, files?: number): void {
  const most = files === undefined ? "" : `,nr_inodes=${files}`;
  mount("-t", "tmpfs", "-o", `size=${bytes}${most}`, "tmpfs", folder);
}

/** Gives a mounted disk another size. */
export function resizeDisk(folder: string, bytes: number): void {
  mount("-o", `remount,size=${bytes}`, folder);
}

/** Takes a disk away, whoever still uses it. */
export function unmountDisk(folder: string): void {
  spawnSync("umount", ["-l", folder]);
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
}

/** Mounts and unmounts one over an unused place to see whether this user may. */
function whyNot(): string | undefined {
  const probe = "mount -t tmpfs -o size=4096 tmpfs /mnt && umount /mnt";
  const { status, stderr, error } = spawnSync("unshare", ["--mount", "sh", "-c", probe], { encoding: "utf8" });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim();
}
