import { RootfsError } from "../errors.ts";
import type { OnRootfsEvent } from "../events.ts";
import { type AskFileSystem, type FileSystem, fileSystemOf } from "./file-systems.ts";
import type { SpaceNeed } from "./space-needs.ts";

/** Options of {@link reserveSpace}. */
export interface ReserveOptions {
  /**
   * How many times the bytes that are needed must be free; see `RootfsSettings.diskSpaceSafetyMargin`.
   * @defaultValue 1.5 times what is estimated, once what is known
   */
  readonly margin?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told in a `SPACE_UNKNOWN` warning of what could not be looked at. */
  readonly onEvent?: OnRootfsEvent | undefined;
  /** Asks what a file system is; for tests. */
  readonly ask?: AskFileSystem | undefined;
}

/** What other builds of this process still mean to write. */
const reservations = new Set<SpaceReservation>();

/**
 * Makes sure that every file system that will be written has room for what is needed and for what other builds of this process
 * still have to write, and keeps it for this one. `undefined` needs are not known: then nothing is kept, and it is warned.
 * @throws RootfsError `NO_SPACE`
 */
export async function reserveSpace(
  needs: readonly SpaceNeed[] | undefined,
  options: ReserveOptions = {},
): Promise<SpaceReservation> {
  const reservation = new SpaceReservation(options);
  await reservation.update(needs);
  return reservation;
}

/** Room on file systems that is spoken for. Hold it with `using`. */
export class SpaceReservation implements Disposable {
  readonly #options: ReserveOptions;
  #places: readonly PlacedNeed[] = [];

  /** Use {@link reserveSpace}. */
  constructor(options: ReserveOptions) {
    this.#options = options;
  }

  /**
   * Replaces what is needed, and makes sure of it anew: when more is known, and before what takes much is begun. When there is
   * no room for it what was reserved before stays.
   * @throws RootfsError `NO_SPACE`
   */
  async update(needs: readonly SpaceNeed[] | undefined): Promise<void> {
    const { signal, ask, onEvent } = this.#options;
    signal?.throwIfAborted();
    if (!needs) this.#warn("the size of the image is not known");
    const places = await Promise.all(
      (needs ?? []).map(async (need) => ({ need, on: await fileSystemOf(need.path, ask) })),
    );
    signal?.throwIfAborted();
    for (const { need, on } of places) {
      if (on.freeBytes === undefined) this.#warn(`the file system of ${need.path} does not tell what is free`, onEvent);
    }
    this.#require(places); // from here on nobody else has a turn before these are counted
    this.#places = places;
    reservations.add(this);
  }

  /** Bytes that are still to be written on this file system, the margin included. */
  outstandingBytes(device: number | undefined): number {
    return this.#places.reduce((sum, place) => sum + (isOn(place, device) ? this.#bytesOf(place) : 0), 0);
  }

  [Symbol.dispose](): void {
    reservations.delete(this);
  }

  #require(places: readonly PlacedNeed[]): void {
    for (const { need, on } of places) {
      const { device, freeBytes } = on;
      if (freeBytes === undefined) continue;
      const own = places.reduce((sum, place) => sum + (isOn(place, device) ? this.#bytesOf(place) : 0), 0);
      let others = 0;
      for (const other of reservations) if (other !== this) others += other.outstandingBytes(device);
      const left = Math.max(0, freeBytes - others);
      if (own > left) throw noSpace(need.path, own, left);
    }
  }

  #bytesOf({ need }: PlacedNeed): number {
    const { margin = need.isEstimate ? 1.5 : 1 } = this.#options;
    return Math.max(0, Math.ceil(need.bytes * margin) - (need.writtenBytes?.() ?? 0));
  }

  #warn(reason: string, onEvent: OnRootfsEvent | undefined = this.#options.onEvent): void {
    const message = `cannot make sure that there is room for the build: ${reason}`;
    onEvent?.({ type: "warning", warning: { code: "SPACE_UNKNOWN", message } });
  }
}

interface PlacedNeed {
  readonly need: SpaceNeed;
  readonly on: FileSystem;
}

/** File systems that cannot be told apart count as different ones. */
function isOn({ on }: PlacedNeed, device: number | undefined): boolean {
  return device !== undefined && on.device === device;
}

function noSpace(path: string, neededBytes: number, freeBytes: number): RootfsError<"NO_SPACE"> {
  const [needed, free] = [neededBytes, freeBytes].map((bytes) => `${(bytes / 1024 ** 3).toFixed(2)} GiB`);
  const message = `cannot build in ${path}: disk space is insufficient: ${needed} are needed, ${free} are available`;
  return new RootfsError("NO_SPACE", message, { path, neededBytes, freeBytes });
}
