import { RootfsError } from "../errors.ts";
import type { DirectoryInode } from "../tree/inode.ts";
import { imageLink } from "./ext4-environment.ts";
import type { Ext4Needs } from "./ext4-needs.ts";
import { type FormatOptions, formatImage } from "./format-image.ts";
import { imageCommands } from "./image-commands.ts";
import { isImageFull, runDebugfs } from "./run-debugfs.ts";
import { readSuperblock } from "./superblock.ts";
import { writeNames } from "./write-names.ts";

/** An image that turned out too small is made anew so often, each time with more room. */
const maxTries = 6;

/**
 * Formats an image and makes a tree in it, which has a `lost+found`. The room for it is reckoned beforehand; only contents with many blocks of zeros
 * between others can take more, for the extents that makes.
 * @throws RootfsError `SIZE_TOO_SMALL`, `TOOL_MISSING`, `TOOL_FAILED`, `FILE_FAILED`, `NO_SPACE`
 */
export async function fillImage(
  image: string,
  root: DirectoryInode,
  needs: Ext4Needs,
  options: FormatOptions,
): Promise<void> {
  let { blocks } = needs;
  for (let tries = 1; ; tries++) {
    await formatImage(image, { ...needs, blocks }, options);
    const { freeInodes } = await readSuperblock(image);
    try {
      await runDebugfs(imageLink, () => imageCommands(root), options);
    } catch (error) {
      if (tries === maxTries || !isImageFull(error)) throw error;
      blocks = Math.ceil(blocks * 1.02) + 256 * tries;
      continue;
    }
    const made = freeInodes - (await readSuperblock(image)).freeInodes;
    if (made !== needs.inodes) throw unequal(needs.inodes, made);
    await writeNames(image, root, options.signal);
    return;
  }
}

function unequal(wanted: number, made: number): RootfsError {
  const output = `${made} inodes were made, and ${wanted} were wanted`;
  const details = { tool: "debugfs", step: "fill the image", output };
  return new RootfsError("TOOL_FAILED", `cannot fill the image: ${output}`, details);
}
