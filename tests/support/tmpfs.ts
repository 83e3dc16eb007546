import { spawnSync } from "node:child_process";
import { onTestFinished } from "vitest";
import { tempFolder } from "./temp-folder.ts";

/** Why file systems of a given size cannot be made here; `undefined` when they can. */
export const noTmpfs: string | undefined = whyNot();

/**
 * A file system of exactly `bytes` bytes in memory, rounded up to pages, and of `files` files, folders counted; gone when
 * the test ends. Needs `noTmpfs === undefined`.
 */
export function tmpfs(bytes: number, files?: number): string {
  const folder = tempFolder();
  const most = files === undefined ? "" : `,nr_inodes=${files}`;
  mount("-t", "tmpfs", "-o", `size=${bytes}${most}`, "tmpfs", folder);
  onTestFinished(() => {
    spawnSync("umount", ["-l", folder]);
  });
  return folder;
}

/** Gives a {@link tmpfs} another size. */
export function resize(folder: string, bytes: number): void {
  mount("-o", `remount,size=${bytes}`, folder);
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
