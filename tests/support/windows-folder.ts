import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { tempFolder } from "./temp-folder.ts";
import { noTmpfs } from "./tmpfs.ts";
import { lacking } from "./tools.ts";

const programs = ["mkntfs", "lowntfs-3g", "umount"];

/** Why folders that treat names as Windows does cannot be made here; `undefined` when they can. */
export const noWindowsFolder: string | undefined = whyNot();

/**
 * A folder on NTFS that tells no upper from lower case and refuses the names that Windows refuses, `con` and `a:b` among
 * them; gone when the test ends. Needs `noWindowsFolder === undefined`.
 */
export function windowsFolder(): string {
  const folder = tempFolder();
  const [image, at] = [join(folder, "image"), join(folder, "at")];
  writeFileSync(image, "");
  truncateSync(image, 16 * 1024 * 1024);
  mkdirSync(at);
  run("mkntfs", "--quick", "--force", "--quiet", image);
  run("lowntfs-3g", "-o", "ignore_case,windows_names", image, at);
  onTestFinished(() => {
    spawnSync("umount", ["-l", at]);
  });
  return at;
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

function whyNot(): string | undefined {
  const away = lacking(...programs);
  if (away.length > 0) return `${away.join(", ")} not found`;
  return existsSync("/dev/fuse") ? noTmpfs : "there is no /dev/fuse";
}
