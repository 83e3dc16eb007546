import type { CallOptions } from "@tranship/registry";
import type { BundleDirectory } from "../bundle/bundle-directory.ts";
import type { MirrorEvent } from "../events.ts";
import type { Inventory } from "../plan/inventory.ts";

/** Options of a plan by one service. */
export interface ServicePlanOptions extends CallOptions {
  /** What the other side has already: its configs and layers are left out. @defaultValue nothing */
  readonly base?: Inventory | undefined;
  /** Go on without the items that fail. @defaultValue false */
  readonly keepGoing?: boolean | undefined;
}

/** Options of a pull by one service. */
export interface ServicePullOptions extends ServicePlanOptions {
  readonly to: BundleDirectory;
}

/** What a service emits: each {@link MirrorEvent} under its `type`. */
export type ServiceEvents = {
  [Type in MirrorEvent["type"]]: (event: Extract<MirrorEvent, { readonly type: Type }>) => void;
};
