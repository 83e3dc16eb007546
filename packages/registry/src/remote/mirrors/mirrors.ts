import type { MirrorFailed } from "../../events.ts";
import { MirrorHost, type MirrorRegistry } from "./mirror-host.ts";
import { LaneMemory } from "./mirrored-lane.ts";
import { MirroredRepository, type OriginRepository } from "./mirrored-repository.ts";
import { Sources } from "./sources.ts";

/** A place that has a registry's content, too. */
export interface MirrorOptions {
  /** What stands in for the registry's own place, such as `mirror.internal/hub`. */
  readonly place: string;
  /**
   * Ask it what a tag names and what is there, before the registry itself. Nothing proves that it is right; not for a
   * registry that is pushed to. @defaultValue false
   */
  readonly tags?: boolean | undefined;
}

/** A mirror for content by digest, or one with options. */
export type Mirror = string | MirrorOptions;

/** What {@link openMirrors} is told. */
export interface MirrorsParts {
  /** In the order they are asked. */
  readonly mirrors: readonly Mirror[];
  /** The registry they stand in for, as events name it. */
  readonly registry: string;
  /**
   * Opens a mirror's place. One attempt for a request is enough there: the next source is what comes after it.
   * @throws RegistryError as `createRegistry` does
   */
  readonly open: (place: string) => MirrorRegistry;
  readonly onEvent?: ((event: MirrorFailed) => void) | undefined;
  /** Milliseconds on a clock that only goes forward. @defaultValue `performance.now` */
  readonly now?: (() => number) | undefined;
}

/** The mirrors of one registry. */
export interface Mirrors extends AsyncDisposable {
  /**
   * The repository with mirrors before it. `path` is the one below the registry's place, as the registry itself has it:
   * for Docker Hub that is `library/alpine`.
   */
  over(path: string, origin: OriginRepository): MirroredRepository;
}

/** Opens the mirrors of a registry; none is asked anything yet. What they have failed at is remembered by all repositories. */
export function openMirrors(parts: MirrorsParts): Mirrors {
  const { registry, onEvent, now = () => performance.now() } = parts;
  const hosts = parts.mirrors.map((mirror) => {
    const { place, tags = false } = typeof mirror === "string" ? { place: mirror } : mirror;
    const onFailure = (reference: string, code: string) =>
      onEvent?.({ type: "mirror.failed", registry, mirror: place, reference, code });
    return new MirrorHost({ place, tags, registry: parts.open(place), onFailure, now });
  });
  const memory = new LaneMemory(now);
  return {
    over: (path, origin) => new MirroredRepository(new Sources(origin, hosts, path), memory),
    async [Symbol.asyncDispose]() {
      await Promise.all(hosts.map((host) => host.registry[Symbol.asyncDispose]()));
    },
  };
}
