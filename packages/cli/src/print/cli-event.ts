import type { BlobCount, MirrorEvent } from "@tranship/core";
import type { DepsEvent, DepsWarning } from "@tranship/core/deps";
import type { RootfsEvent, RootfsWarning } from "@tranship/core/rootfs";
import type { RegistryEvent } from "@tranship/registry";

/** What happens on the way: what the libraries tell, and what the program adds. */
export type CliEvent =
  | MirrorEvent
  | RegistryEvent
  | ServeEvent
  | PullStopped
  | PushStopped
  | SyncStopped
  | RootfsStep
  | RootfsWarned
  | DepsStep
  | DepsWarned
  | ConfigUsed
  | CommandLineWarning;

/** Takes events; must not throw. */
export type OnCliEvent = (event: CliEvent) => void;

/** What flags do not say is taken from this file. */
export interface ConfigUsed {
  readonly type: "config.used";
  readonly file: string;
}

/** What the command line or the environment says has no effect, or shows more than it should. */
export interface CommandLineWarning {
  readonly type: "warning.raised";
  readonly code: "FLAG_OVERRULED" | "FLAG_WITHOUT_EFFECT" | "VARIABLE_UNUSABLE" | "SECRET_VISIBLE";
  readonly message: string;
}

/** How far the making of a root file system is. */
export type RootfsStep = Exclude<RootfsEvent, { readonly type: "warning" }>;

/** What went otherwise while a root file system was made, as all warnings are told. */
export interface RootfsWarned extends RootfsWarning {
  readonly type: "warning.raised";
}

type Prefixed<Event extends DepsEvent> = Event extends unknown
  ? { readonly type: `deps.${Event["type"]}` } & Omit<Event, "type">
  : never;

/** How far a cache of dependencies is; `name` is what people call an item, `item` its id. */
export type DepsStep = Prefixed<Exclude<DepsEvent, { readonly type: "warning" }>>;

/** What went otherwise with a cache of dependencies, as all warnings are told. */
export interface DepsWarned extends DepsWarning {
  readonly type: "warning.raised";
}

/** What `tranship pull` had done when it ended early; both lists name archives. */
export interface PullStopped {
  readonly type: "pull.stopped";
  readonly reason: "cancelled" | "failed";
  /** They are complete and stay. */
  readonly finished: readonly string[];
  /** What there is of them is kept; the same pull continues it. */
  readonly unfinished: readonly string[];
  /** What had been planned by then. */
  readonly planned: { readonly images: number; readonly bytes: number };
  readonly fetched: BlobCount;
  readonly copied: BlobCount;
  readonly kept: BlobCount;
  readonly elapsedMs: number;
}

/** What `tranship push` had done when it ended early; sizes are in bytes. */
export interface PushStopped {
  readonly type: "push.stopped";
  readonly reason: "cancelled" | "failed";
  readonly tags: { readonly written: number; readonly present: number };
  readonly blobs: { readonly written: number; readonly mounted: number; readonly present: number };
  readonly bytes: { readonly uploaded: number; readonly mounted: number; readonly present: number };
  readonly elapsedMs: number;
}

/** What `tranship sync` had done when it ended early, as of a push. */
export interface SyncStopped extends Omit<PushStopped, "type"> {
  readonly type: "sync.stopped";
}

/** What `tranship serve` tells beside what the libraries tell. */
export type ServeEvent =
  /** Requests are answered from now on. */
  | {
      readonly type: "server.listening";
      readonly url: string;
      readonly place: string;
      readonly writable: boolean;
    }
  /** The head of an answer goes out; the path is as sent, without its query. */
  | { readonly type: "request.answered"; readonly method: string; readonly path: string; readonly status: number }
  /** The server could not do what was asked: answered with 500, or broken off. `reason` may name local files. */
  | { readonly type: "request.failed"; readonly method: string; readonly path: string; readonly reason: string }
  | { readonly type: "warning.raised"; readonly code: "SERVER_EXPOSED" | "LAYOUT_NAMELESS"; readonly message: string };
