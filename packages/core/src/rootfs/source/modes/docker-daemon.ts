import type { CallOptions, Credentials } from "@tranship/registry";
import type { WantedPlatform } from "../../../plan/platforms/platforms.ts";
import type { PullCounts } from "../../progress/pull-progress.ts";
import type { DockerImage } from "./docker-image.ts";

/** What a daemon is to pull. */
export interface DockerPull {
  /** Without transport, such as `registry.example.com/app:v1`. */
  readonly reference: string;
  /** `undefined` for the daemon's own choice. */
  readonly platform: WantedPlatform | undefined;
  /** As whom; `undefined` for whoever the daemon's client is logged in as. */
  readonly credentials: Credentials | undefined;
}

/** A Docker daemon: by its own interface, or through its client. */
export interface DockerDaemon {
  /** What it says of an image it has; `undefined` when it has none of that name or id, and only then. */
  inspect(reference: string, call: CallOptions): Promise<DockerImage | undefined>;
  /** Ends when the image is there, unpacked. */
  pull(pull: DockerPull, call: CallOptions & { readonly onProgress: (counts: PullCounts) => void }): Promise<void>;
  /** Gives a Docker archive of an image, chunk by chunk; the next waits for the promise of the last. */
  save(
    id: string,
    take: (chunk: Uint8Array) => Promise<void>,
    call: CallOptions & { readonly idleTimeoutMs: number },
  ): Promise<void>;
  /** Takes a name from an image, and the image itself with its last name. One in use by a container is kept. */
  remove(reference: string, call: CallOptions): Promise<void>;
}
