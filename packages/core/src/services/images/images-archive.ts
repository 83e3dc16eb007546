import { createHash } from "node:crypto";

/** The longest name of an archive of images, in bytes: chunks and checksums beside it have longer ones. */
const maxBytes = 200;

const [prefix, suffix] = ["image-", ".tar"];

/** What stands for characters that file names do not have. In names of repositories `_` is followed by none of these. */
const substitutes: Readonly<Record<string, string>> = { "/": "_-", ":": "_.", "[": "", "]": "_-." };

/** Before the digest of a name that is too long; nothing else has it. */
const shortened = "_.-";

/**
 * The archive of a repository by its full name: `image-ghcr.io_-org_-app.tar`. Different names have different archives,
 * also on file systems that know no case; one that would be longer than 200 bytes is cut and ends with its sha256.
 */
export function imageArchive(name: string): string {
  const safe = name.replace(/[/:[\]]/g, (character) => substitutes[character] ?? "");
  const room = maxBytes - prefix.length - suffix.length;
  if (safe.length <= room) return `${prefix}${safe}${suffix}`;
  const digest = createHash("sha256").update(name).digest("hex");
  return `${prefix}${safe.slice(0, room - shortened.length - digest.length)}${shortened}${digest}${suffix}`;
}
