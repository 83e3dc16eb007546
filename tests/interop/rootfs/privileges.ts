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
  const missing = lacking("umoci", "getfattr", "debugfs", "e2fsck");
  if (missing.length > 0) return `lacking: ${missing.join(", ")}`;
  return process.getuid?.() === 0 ? undefined : "only root may own what an image says";
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
