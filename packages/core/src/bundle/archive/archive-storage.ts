import type { DirectFile } from "../disk/direct-file.ts";

/** The file or files behind an {@link ArchiveFile}: one row of bytes, whichever form it has. Offsets and sizes in bytes. */
export interface ArchiveStorage extends Disposable {
  /** Where the last byte that is there ends. */
  readonly size: number;
  /** What it takes on disk: less than its size where it has holes. */
  readonly allocatedBytes: number;
  /** The same file as it is written past the kernel's cache, where that can be. */
  readonly direct?: DirectFile | undefined;
  /** Fills the start of `into` from `offset`; gives how many bytes, 0 when there are none. A hole reads as zeros. */
  readAt(into: Uint8Array, offset: number): number;
  /** Writes the start of `bytes` at `offset`; gives how many. */
  writeAt(bytes: Uint8Array, offset: number): number;
  /** Makes it exactly that long. */
  truncate(size: number): void;
  /** Waits until all of it is on the device. */
  sync(): Promise<void>;
}
