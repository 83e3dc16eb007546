/**
 * Makes root file systems of images, without root and without a daemon: a directory, a tar archive, or an ext4 image whose
 * bytes depend on the image alone.
 * @packageDocumentation
 */

export { isRootfsError, RootfsError, type RootfsErrorCode, type RootfsErrorDetails } from "./errors.ts";
export type { OnRootfsEvent, ProgressUnit, RootfsEvent, RootfsStage, RootfsWarning } from "./events.ts";
export { LayerCache, type LayerCacheOptions } from "./layers/layer-cache.ts";
export { defaultRootfsLimits, type RootfsLimits } from "./limits.ts";
export { type OpenRootfsOptions, Rootfs } from "./rootfs.ts";
