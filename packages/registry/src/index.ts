export {
  classifyFailure,
  type FailureClass,
  isRegistryError,
  RegistryError,
  type RegistryErrorCode,
  type RegistryErrorDetails,
  type ReportedError,
} from "./errors.ts";
export type { RegistryEvent, RegistrySlowed, RegistryWarned, RequestRetried } from "./events.ts";
export { type BlobLane, type LaneProvider, laneOf, type Sink } from "./lane.ts";
export { MemoryRegistry, type MemoryRegistryOptions } from "./memory/memory-registry.ts";
export type { MemoryRepository } from "./memory/memory-repository.ts";
export * from "./oci/index.ts";
export { openBytes } from "./open-bytes.ts";
export type { Registry, RegistryReader } from "./registry.ts";
export type { Credentials } from "./remote/auth/authenticator.ts";
export {
  createRegistry,
  type RegistryOptions,
  type RemoteRegistry,
  type RemoteRegistryRepository,
} from "./remote/create-registry.ts";
export type { GateLane, GateLimits, HostGate } from "./remote/host-gate.ts";
export { type RetryOptions, withRetry } from "./remote/retry.ts";
export type {
  CallOptions,
  FetchBlobOptions,
  ManifestOptions,
  OpenBlob,
  PushBlobOptions,
  PushManifestOptions,
  PushOutcome,
  ReferrersOptions,
  RepositoryDeleter,
  RepositoryReader,
  RepositoryWriter,
} from "./repository.ts";
