import type { Digest } from "@tranship/registry";
import type { ArchiveFile } from "../bundle/archive/archive-reader.ts";
import type { AssumedContent } from "../bundle/assumed.ts";
import type { BlobCount } from "../plan/blob-count.ts";
import type { MissingImage } from "../plan/download-list.ts";
import type { FailedItem } from "../plan/failed-item.ts";
import type { Reason } from "../plan/section.ts";
import type { ContentKind } from "./content-kind.ts";

/** What a place on this machine holds, as plain data; equal places give equal inspections. All sizes are in bytes. */
export interface Inspection {
  readonly version: 1;
  readonly kind: "inspection";
  /** What was looked at, such as `bundle:mirror`. */
  readonly place: string;
  /** Where its images were read from: roots of registries, bytewise; empty where nothing says so. */
  readonly sources: readonly string[];
  readonly totals: InspectionTotals;
  /** Bytewise by path. */
  readonly repositories: readonly InspectedRepository[];
  /** All content that images lead to, each digest once, bytewise. */
  readonly blobs: readonly InspectedBlob[];
  /** In the order of the places, by name; none where there are only layouts. */
  readonly archives: readonly InspectedArchive[];
  /** What images need, no archive at hand holds and a lock leaves to a base. */
  readonly assumed: readonly AssumedContent[];
  /** What indexes list and is left out on purpose, as only other platforms were wanted. @defaultValue none */
  readonly leftOut?: readonly InspectedLeftOut[] | undefined;
  /** What images need and is neither here nor left to a base. */
  readonly lacking: readonly LackingContent[];
  /** Manifests and configs that are here and cannot be used. */
  readonly unreadable: readonly UnreadableContent[];
  /** What the source did not have when the bundle was pulled, as its lock says. */
  readonly missing: readonly MissingImage[];
  /** What the pull went on without, as its lock says. */
  readonly failed: readonly FailedItem[];
}

/** Sums over an {@link Inspection}; sizes in bytes. */
export interface InspectionTotals {
  readonly repositories: number;
  /** Manifests that are tagged or listed, each once in a repository. */
  readonly images: number;
  readonly tags: number;
  readonly archives: number;
  /** Distinct manifests, configs and layers that images lead to. */
  readonly blobs: number;
  /** The archives' own sizes, headers included. */
  readonly archiveBytes: number;
  /** All stored manifests, configs and layers, as often as they are stored. */
  readonly storedBytes: number;
  /** The same, each digest once. */
  readonly distinctBytes: number;
  /** What it would take if every image had a copy of all it needs: nothing shared, here or with a base. */
  readonly unsharedBytes: number;
  readonly assumed: BlobCount;
  readonly lacking: BlobCount;
  /** Stored, and no image leads to it. */
  readonly unreferenced: BlobCount;
}

/** A repository and its images. */
export interface InspectedRepository {
  /** Its path below the registry root; empty for the root's own. */
  readonly path: string;
  /** The full name of the repository it was read from, where that is known. */
  readonly source?: string | undefined;
  /** What its images need, each digest once. */
  readonly bytes: number;
  /** What no other repository's image needs, of these. */
  readonly uniqueBytes: number;
  /** By their first tag, versions in their order; those without a tag last, by digest. */
  readonly images: readonly InspectedImage[];
}

/** A manifest as a repository lists it: an image, an index, or anything else that is stored like one. */
export interface InspectedImage {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly kind: ContentKind;
  /** What kind of artifact, where it is no image of a container. */
  readonly artifactType?: string | undefined;
  /** In their order; empty for one that is only listed. */
  readonly tags: readonly string[];
  /** Why the plan has it; empty where there is no lock. */
  readonly why: readonly Reason[];
  /** The manifest it is about, such as the image a signature signs. */
  readonly subject?: Digest | undefined;
  /** Such as `linux/arm64`, each once; empty where none is said. */
  readonly platforms: readonly string[];
  /** Of its manifest alone. */
  readonly size: number;
  /** Of all it leads to, its manifest included, each digest once. */
  readonly bytes: number;
  /** What no other image of any repository needs, of these. */
  readonly uniqueBytes: number;
  /** Its config and layers in their order; for an index those of all its manifests, each once. */
  readonly blobs: readonly Digest[];
  /** The manifests an index lists, in its order, those of indexes below it included; none for an image. */
  readonly manifests: readonly InspectedManifest[];
}

/** A manifest that an index lists. */
export interface InspectedManifest {
  readonly digest: Digest;
  readonly kind: ContentKind;
  readonly platform?: string | undefined;
  readonly size: number;
  /** With all it leads to, each digest once. */
  readonly bytes: number;
  readonly blobs: readonly Digest[];
}

/** What a blob is to the images that need it. */
export type BlobRole = "manifest" | "config" | "layer";

/** Content that images lead to. */
export interface InspectedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
  readonly role: BlobRole;
  /** Images that lead to it, in all repositories. */
  readonly images: number;
  /** Paths of the repositories of these images, bytewise. */
  readonly repositories: readonly string[];
  /** Names of the archives that hold it, in their order. */
  readonly archives: readonly string[];
  /** How often it is stored; 0 for what is left to a base or lacking. */
  readonly copies: number;
}

/** An archive of a bundle. */
export interface InspectedArchive {
  readonly name: string;
  /** Of all its files together. */
  readonly bytes: number;
  /** One file, or its chunks in order. */
  readonly files: readonly ArchiveFile[];
  /** Paths of the repositories it holds something of, bytewise. */
  readonly repositories: readonly string[];
  /** The manifests, configs and layers it holds; what two repositories have counts twice, as it is stored. */
  readonly stored: BlobCount;
  /** Of these, what another archive holds, too. */
  readonly shared: BlobCount;
}

/** A manifest that an index of the repository at `path` lists and that is left out on purpose. */
export interface InspectedLeftOut {
  readonly path: string;
  readonly digest: Digest;
  /** Of the manifest alone. */
  readonly size: number;
  /** Such as `linux/s390x`, where the index says so. */
  readonly platform?: string | undefined;
  /** The index that lists it. */
  readonly index: Digest;
}

/** Content that an image of the repository at `path` needs and that is not there, or not with this size. */
export interface LackingContent {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly role: BlobRole;
}

/** Content of the repository at `path` that cannot be used. */
export interface UnreadableContent {
  readonly path: string;
  readonly digest: Digest;
  /** The code of the error, such as `DIGEST_MISMATCH`. */
  readonly code: string;
  readonly message: string;
}
