import { join, resolve, sep } from "node:path";
import { artifactBuildInProgress, type MarkerOptions } from "./build-marker.ts";
import { statAt } from "./published-files.ts";

/** What is recorded of a finished artifact. */
export interface ArtifactRecord {
  readonly id: string;
  readonly fingerprint: string;
  readonly path: string;
  readonly sizeBytes: number;
}

/** The artifact that is wanted, and the folder its file would be in. */
export interface WantedArtifact {
  readonly id: string;
  readonly fingerprint: string;
  readonly store: string;
}

/** Whether a file can be used again; `unknown` while it is being made, or cannot be looked at. */
export type ArtifactPresence = "present" | "missing" | "unknown";

/**
 * Whether the recorded artifact is the one that is wanted, and its file is there: a plain file in the artifact's folder, of
 * the size that was recorded. While a build is under way what is not there may come to be.
 */
export async function artifactPresence(
  recorded: ArtifactRecord | undefined,
  wanted: WantedArtifact,
  options: MarkerOptions = {},
): Promise<ArtifactPresence> {
  try {
    const isSame = recorded?.id === wanted.id && recorded.fingerprint === wanted.fingerprint;
    const isInside = recorded !== undefined && isBelow(resolve(wanted.store), resolve(recorded.path));
    const found = isSame && isInside ? await statAt(recorded.path) : undefined;
    const isRight = found?.isFile() === true && found.size === recorded?.sizeBytes;
    // A file that is published appears whole. Another may be of a builder that writes it in its place.
    if (isRight && isBelow(join(resolve(wanted.store), "generations"), resolve(recorded.path))) return "present";
    if (await artifactBuildInProgress(wanted.store, options)) return "unknown";
    return isRight ? "present" : "missing";
  } catch {
    return "unknown";
  }
}

function isBelow(folder: string, path: string): boolean {
  return path.startsWith(`${folder}${sep}`);
}
