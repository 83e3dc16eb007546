import type { Digest, PushOutcome } from "@tranship/registry";
import type { ChecksumKind } from "./checksums/sidecar.ts";
import type { Side } from "./errors.ts";
import type { FailedItem } from "./plan/failed-item.ts";

/**
 * What a pull, push or verify tells while it works: plain JSON, the only log the library has. Sizes are in bytes.
 * Services emit each under its `type`; free functions hand it to `onEvent`.
 */
export type MirrorEvent =
  /** So many items there are to plan, of all components together. */
  | { readonly type: "items.listed"; readonly items: number }
  | { readonly type: "item.started"; readonly component: string; readonly item: string; readonly archive: string }
  /** The run goes on without it. */
  | ({ readonly type: "item.failed" } & FailedItem)
  | { readonly type: "section.planned"; readonly archive: string; readonly images: number; readonly bytes: number }
  /**
   * So much a push or a verification has to do: blobs to be brought or read, once for every repository. Of a sync it is
   * what is left to do, told anew when something had to be left out.
   */
  | {
      readonly type: "work.planned";
      readonly job: "push" | "verify" | "sync";
      readonly blobs: number;
      readonly bytes: number;
    }
  | {
      readonly type: "blob.started";
      readonly side: Side;
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
      readonly offset: number;
    }
  /** So many more bytes are in place; fewer than none when bytes proved wrong and are fetched again. */
  | {
      readonly type: "blob.progress";
      readonly side: Side;
      readonly repository: string;
      readonly digest: Digest;
      readonly bytes: number;
    }
  | {
      readonly type: "blob.finished";
      readonly side: Side;
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
      readonly fetchedBytes: number;
      readonly elapsedMs: number;
    }
  /** It is given up; an error or a finding says why. */
  | {
      readonly type: "blob.failed";
      readonly side: Side;
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
    }
  /** The bytes were at hand: in an unfinished or older archive, in another archive of the run, or at the target. */
  | {
      readonly type: "blob.skipped";
      readonly side: Side;
      readonly repository: string;
      readonly digest: Digest;
      readonly size: number;
      readonly reason: "kept" | "copied" | PushOutcome;
    }
  | {
      readonly type: "transfer.retried";
      readonly side: Side;
      readonly reference: string;
      readonly code: string;
      readonly attempt: number;
      readonly delayMs: number;
    }
  | {
      readonly type: "image.finished";
      readonly side: Side;
      readonly reference: string;
      readonly digest: Digest;
      readonly outcome: "written" | "present";
    }
  | {
      readonly type: "archive.finished";
      readonly archive: string;
      readonly bytes: number;
      readonly outcome: "written" | "unchanged";
    }
  | { readonly type: "archive.removed"; readonly archive: string }
  /** A file of the bundle, `size` bytes long, is read for its checksums: an archive or a chunk. */
  | { readonly type: "checksum.started"; readonly file: string; readonly size: number }
  /** So many more of its bytes are hashed. */
  | { readonly type: "checksum.progress"; readonly file: string; readonly bytes: number }
  | {
      readonly type: "checksum.finished";
      readonly file: string;
      readonly size: number;
      readonly kinds: readonly ChecksumKind[];
      readonly elapsedMs: number;
    }
  | MirrorWarning;

/** Something the user should know that is no failure; `message` is for people, `code` is stable. */
export interface MirrorWarning {
  readonly type: "warning.raised";
  readonly code:
    | "NO_CATALOG"
    | "NOTHING_SELECTED"
    | "IMAGE_MISSING"
    | "IMAGE_UNUSABLE"
    | "NAME_UNUSABLE"
    | "EXCLUSION_ABSENT"
    | "VERSION_UNKNOWN"
    | "TAG_CONFLICT"
    | "TAG_ABSENT"
    | "COPY_DAMAGED"
    | "METADATA_ONLY"
    | "ITEMS_FAILED"
    | "PATH_MOVED"
    | "SUBJECT_ABSENT"
    | "BLOB_ABSENT"
    | "BASE_CONTRADICTED"
    | "SYNC_UNSUPPORTED"
    | "TAG_KEPT"
    | "PLATFORMS_NARROWED"
    | "PLATFORMS_LEFT_OUT"
    | "PLATFORMS_KEPT"
    | "PLATFORM_MISSING";
  readonly message: string;
  readonly reference?: string;
  /** The component it is about, such as `packages`, where it is about all of it. */
  readonly component?: string;
}

/** Takes events; must not throw. */
export type OnEvent = (event: MirrorEvent) => void;
