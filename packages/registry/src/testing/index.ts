/**
 * A registry for tests: {@link startTestRegistry}, builders for what lies in it ({@link anImage}), and {@link faults} by name;
 * and a web server with files: {@link startFileServer}.
 * @packageDocumentation
 */

export type { ServedRequest } from "../server/served-request.ts";
export { aBlob, aLayer, type BlobOptions, type BuiltBlob, type LayerOptions } from "./blob-builders.ts";
export {
  type ArtifactOptions,
  anArtifact,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  type ImageOptions,
  type IndexOptions,
} from "./builders.ts";
export type { Fault } from "./fault.ts";
export type { PadOptions } from "./fault-lengths.ts";
export type { RateLimitOptions } from "./fault-limits.ts";
export type { FailOptions, RequestMatch } from "./fault-queue.ts";
export type { LyingRangeOptions } from "./fault-ranges.ts";
export { type CorruptOptions, faults, type SlowOptions, type StallOptions, type StatusOptions } from "./faults.ts";
export { type FailFileOptions, FileServer, type FileServerOptions, startFileServer } from "./file-server.ts";
export type { FileRequest } from "./file-traffic.ts";
export { partsOf, type Seedable, type SeedParts, seedMemory } from "./seed.ts";
export type { ServedFileOptions } from "./served-file.ts";
export { startTestRegistry, type TestRegistry, type TestRegistryOptions } from "./test-registry.ts";
