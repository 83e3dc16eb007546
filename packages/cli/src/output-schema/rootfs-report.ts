import type { DockerImageConfig, ExportMode } from "@tranship/core/rootfs";
import type { Digest } from "@tranship/registry";
import type { RootfsFormat } from "../flags/rootfs-flags.ts";

/** What `tranship rootfs` reports; what was written is absent after a dry run. */
export interface RootfsReport {
  readonly dryRun: boolean;
  /** As it was asked for. */
  readonly reference: string;
  /** Name and digest of the image's manifest. */
  readonly digest: string;
  readonly manifestDigest?: Digest;
  readonly indexDigest?: Digest;
  readonly platform?: string;
  readonly mode: ExportMode;
  readonly layers?: number;
  /** 0 when it is not known. */
  readonly compressedBytes: number;
  readonly config: Pick<DockerImageConfig, "entrypoint" | "cmd" | "env" | "workingDir" | "user">;
  readonly output: string;
  readonly format: RootfsFormat;
  readonly hooks: number;
  readonly inodes?: number;
  readonly fileBytes?: number;
  readonly sizeBytes?: number;
  readonly sha256?: string;
  readonly unapplied?: number;
  readonly sidecar?: string;
  readonly elapsedMs: number;
}
