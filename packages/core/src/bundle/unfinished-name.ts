import { parseSidecarName } from "../checksums/sidecar.ts";
import { lockFileName } from "../plan/lock-file.ts";
import { parseArchiveFileName, partialSuffix } from "./archive/archive-names.ts";

/** What small files are called while they are written. */
const temporarySuffix = ".tmp";

/** Whether a name in a bundle's folder is one that only files being written have: of archives, checksums or the lock file. */
export function isUnfinishedName(name: string): boolean {
  if (name.endsWith(partialSuffix)) return parseArchiveFileName(name.slice(0, -partialSuffix.length)) !== undefined;
  if (!name.endsWith(temporarySuffix)) return false;
  const written = name.slice(0, -temporarySuffix.length);
  const { file } = parseSidecarName(written) ?? {};
  return written === lockFileName || (file !== undefined && parseArchiveFileName(file) !== undefined);
}
