import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../../packages/core/src/bundle/tar/tar-header.ts";
import { readTarEntries, type TarSource } from "../../packages/core/src/bundle/tar/tar-reader.ts";

/** An archive in memory, with a count of what was read of it. */
export interface CountedSource extends TarSource {
  readonly counts: { reads: number; bytes: number };
}

/** Bytes as an archive. */
export function sourceOf(bytes: Uint8Array, name = "fuzz.tar"): CountedSource {
  const counts = { reads: 0, bytes: 0 };
  return {
    name,
    size: bytes.byteLength,
    counts,
    read(offset, length) {
      const piece = bytes.subarray(offset, offset + length);
      counts.reads += 1;
      counts.bytes += piece.byteLength;
      return piece;
    },
  };
}

/** The files of a valid archive, in order. */
export async function unpack(bytes: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = await readTarEntries(sourceOf(bytes));
  return new Map(entries.map(({ name, offset, size }) => [name, bytes.subarray(offset, offset + size)]));
}

/** An archive of these files. */
export function repack(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const parts = [...files].flatMap(([name, data]) => [
    encodeTarHeader(name, data.byteLength),
    data,
    new Uint8Array(tarPadding(data.byteLength)),
  ]);
  return Buffer.concat([...parts, new Uint8Array(tarTrailerBytes)]);
}
