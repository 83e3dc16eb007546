export { isMirrorError, MirrorError, type MirrorErrorCode, type MirrorErrorDetails, type Side } from "./errors.ts";
export type { MirrorEvent, MirrorWarning, OnEvent } from "./events.ts";
export {
  type DownloadList,
  type DownloadTotals,
  downloadTotals,
  formatDownloadList,
  type MissingImage,
  type PlannedArchive,
  parseDownloadList,
} from "./plan/download-list.ts";
export type { PlannedBlob, PlannedImage, PlannedRepository, Reason, Section } from "./plan/section.ts";
