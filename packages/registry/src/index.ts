/**
 * A client for OCI registries, the interfaces all homes of content share, and a registry in memory. Begin with
 * {@link createRegistry}; what it gives is read through {@link RepositoryReader} and written through {@link RepositoryWriter}.
 * @packageDocumentation
 */

export {
  classifyFailure,
  type FailureClass,
  isRegistryError,
  RegistryError,
  type RegistryErrorCode,
  type RegistryErrorDetails,
  type ReportedError,
} from "./errors.ts";
export type { MirrorFailed, RegistryEvent, RegistrySlowed, RegistryWarned, RequestRetried } from "./events.ts";
export type { FindCredentials } from "./examine/access-checks.ts";
export type { CheckFinding, CheckStatus, Examination, ExaminedCheck, ExaminedId } from "./examine/examination.ts";
export { type ExamineOptions, examineRegistry } from "./examine/examine-registry.ts";
export { createFileClient } from "./files/file-client.ts";
export type { FileClientOptions } from "./files/file-client-options.ts";
export type { FetchedFile, FetchFileOptions, FileFetcher } from "./files/file-fetcher.ts";
export type { FileLimits } from "./files/origin-lanes.ts";
export { type WebFileFetcherOptions, webFileFetcher } from "./files/web-file-fetcher.ts";
export { type BlobLane, type LaneProvider, laneOf, type Sink } from "./lane.ts";
export { MemoryRegistry, type MemoryRegistryOptions } from "./memory/memory-registry.ts";
export type { MemoryRepository } from "./memory/memory-repository.ts";
export * from "./oci/index.ts";
export { openBytes } from "./open-bytes.ts";
export { printable } from "./printable.ts";
export type { Registry, RegistryReader } from "./registry.ts";
export type {
  AccessTokenCredentials,
  CredentialProvider,
  CredentialRequest,
  Credentials,
  IdentityTokenCredentials,
  PasswordCredentials,
} from "./remote/auth/authenticator.ts";
export { createRegistries, type Registries } from "./remote/create-registries.ts";
export { createRegistry } from "./remote/create-registry.ts";
export {
  type DockerCredentialsOptions,
  dockerCredentials,
  locateDockerCredentials,
} from "./remote/credentials/docker-credentials.ts";
export type { GateLimits } from "./remote/host-gate.ts";
export type { RemoteRegistry, RemoteRegistryRepository } from "./remote/http-registry.ts";
export type { Mirror, MirrorOptions } from "./remote/mirrors/mirrors.ts";
export type { RegistryOptions } from "./remote/registry-options.ts";
export { type RetryOptions, withRetry } from "./remote/retry.ts";
export type { ClientCertificate, HostOptions, TransportOptions } from "./remote/transport/host-options.ts";
export type {
  AllocatePiece,
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
  SourceMounts,
  WriteProbe,
} from "./repository.ts";
export { withoutSecrets } from "./without-secrets.ts";
