import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lacking } from "../../support/tools.ts";

/** Why trees cannot be compared in full on this machine; `undefined` when they can. */
export const noReferee: string | undefined = whyNot();

/** Why ext4 images cannot be mounted here; `undefined` when they can. */
export const noLoopMount: string | undefined = noReferee ?? whyNoLoop();

function whyNot(): string | undefined {
  const missing = lacking("umoci", "getfattr", "setfattr", "debugfs", "e2fsck", "setpriv");
  if (missing.length > 0) return `lacking: ${missing.join(", ")}`;
  if (process.getuid?.() !== 0) return "only root may make what an image says";
  const folder = mkdtempSync(join(tmpdir(), "tranship-probe-"));
  try {
    execFileSync("mknod", [join(folder, "device"), "c", "1", "3"], { stdio: "pipe" });
    execFileSync("setfattr", ["-n", "trusted.probe", "-v", "1", folder], { stdio: "pipe" });
    execFileSync("setfattr", ["-n", "user.probe", "-v", "1", folder], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    return `this root may not make everything: ${String(error).split("\n")[1]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Mounts an empty one, in a mount namespace of its own. */
function whyNoLoop(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "tranship-loop-"));
  const image = join(folder, "ext4");
  try {
    execFileSync("truncate", ["-s", "1M", "--", image]);
    execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-O", "^has_journal", "--", image]);
    const args = ["--mount", "mount", "-o", "loop,ro", "--", image, folder];
    const { status, stderr, error } = spawnSync("unshare", args, { encoding: "utf8" });
    return status === 0 ? undefined : (error?.message ?? stderr.trim());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
