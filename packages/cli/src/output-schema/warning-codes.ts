import type { CliEvent } from "../print/cli-event.ts";

/** The stable code of a warning. */
export type WarningCode = Extract<CliEvent, { readonly type: "warning.raised" }>["code"];

/** What each warning says. */
export const warningCodes: Readonly<Record<WarningCode, string>> = {
  NO_CATALOG: "the source has no catalog of a component, or an empty one",
  NOTHING_SELECTED: "a name was asked for and comes to nothing",
  IMAGE_MISSING: "an image that was led to is not at the source",
  IMAGE_UNUSABLE: "an image cannot be used and is left out",
  NAME_UNUSABLE: "a name that is listed cannot be the name of a repository",
  EXCLUSION_ABSENT: "a name to leave out is not listed",
  VERSION_UNKNOWN: "the version behind a release channel cannot be told",
  TAG_CONFLICT: "a tag names different images in several archives",
  TAG_ABSENT: "an image has no tag to be pushed under",
  COPY_DAMAGED: "a copy of a blob is damaged, and another one is used",
  METADATA_ONLY: "what comes with release metadata only is not announced",
  ITEMS_FAILED: "the bundle lacks what its pull went on without",
  PATH_MOVED: "a catalog goes elsewhere than usual",
  SUBJECT_ABSENT: "what an attached image is about is not there",
  BLOB_ABSENT: "a blob is not there and nothing needs it",
  BASE_CONTRADICTED: "the base and the source do not agree on a blob",
  SYNC_UNSUPPORTED: "the file system does not flush what is written",
  TAG_KEPT: "a tag names another image at the target and is left so",
  PLATFORMS_NARROWED: "an index is narrowed to some platforms and gets another digest",
  PLATFORMS_LEFT_OUT: "an index stays as it is, and what it lists for other platforms is left out",
  PLATFORMS_KEPT: "an index could not be narrowed",
  PLATFORM_MISSING: "a platform that was asked for is not there",
  FLAG_OVERRULED: "a flag is overruled by another",
  FLAG_WITHOUT_EFFECT: "a flag does nothing here",
  VARIABLE_UNUSABLE: "an environment variable cannot be used",
  SECRET_VISIBLE: "others on this machine can see a secret",
  SERVER_EXPOSED: "others on the network may do what may not be meant",
  LAYOUT_NAMELESS: "a layout without a name is not served",
  METADATA_NOT_APPLIED: "files of a directory lack an owner, a device or an attribute; a file beside it says which",
  XATTR_NOT_KEPT: "an extended attribute could not be kept",
  ENTRY_SKIPPED: "an entry of a layer was left out",
  STORE_FALLBACK: "another folder than the usual one is used",
  CACHE_FAILED: "the layer cache cannot be used",
  SPACE_UNKNOWN: "how much room is left cannot be told",
  CLEANUP_FAILED: "something that was in the making could not be removed",
  OLD_VARIABLE: "an environment variable has a new name",
};
