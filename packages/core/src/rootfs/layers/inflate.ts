import { constants, createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import { LayerFault, layerInvalid } from "./layer-fault.ts";
import type { LayerFile } from "./layer-file.ts";
import { StoredBytes } from "./stored-bytes.ts";
import { ZstdFrames } from "./zstd-frames.ts";

/** Options of {@link inflateLayer}. */
export interface InflateOptions {
  /** The image, for messages. */
  readonly reference: string;
  /** So many bytes of the layer, as it is stored, were read since the last call. */
  readonly onStored?: ((bytes: number) => void) | undefined;
}

/** Unpacked at a time, in bytes. Node's own 16 KiB take three times as long. */
const chunkSize = 1024 * 1024;

/** The most a zstd frame may have the unpacker remember: 2 to the power of this, in bytes, as the `zstd` tool has it. */
const zstdWindowLog = 27;

/**
 * Reads a layer once from end to end and hands its unpacked bytes to `onChunk`, in their order and one chunk at a time:
 * gzip (of any number of members), zstd (of any number of frames) or plain, by its first bytes and whatever its media type
 * says; no bytes are an empty layer. The next chunk is unpacked while `onChunk` works, and a chunk is its only until then.
 * Padding with zeros behind a gzip member is ignored, anything else there is refused. What is stored is hashed; it may prove
 * wrong after the last chunk only. Gives the number of unpacked bytes. Blocks while it reads: for layer threads.
 * @throws LayerFault `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, and what `onChunk` throws
 * @see RFC 1952, "File format"; RFC 8878, "Zstandard Frames", "Skippable Frames"
 */
export async function inflateLayer(
  file: LayerFile,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
  options: InflateOptions,
): Promise<number> {
  const stored = new StoredBytes(file, options.reference);
  try {
    const unpackedBytes = await inflate(stored, onChunk, options);
    stored.verify();
    return unpackedBytes;
  } catch (error) {
    const isInvalid = error instanceof LayerFault && error.code === "LAYER_INVALID";
    if (!isInvalid && !(error instanceof Unpackable)) throw error;
    stored.verify(); // bytes that went wrong on their way are the better reason
    throw isInvalid ? error : layerInvalid(options.reference, file, error.message);
  } finally {
    stored[Symbol.dispose](); // Node 22 runs these sources in threads, and cannot read `using`
  }
}

async function inflate(
  stored: StoredBytes,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
  { onStored }: InflateOptions,
): Promise<number> {
  let told = 0;
  let unpackedBytes = 0;
  const tell = () => {
    if (stored.bytes > told) onStored?.(stored.bytes - told);
    told = stored.bytes;
  };
  for await (const chunk of unpacked(stored)) {
    tell();
    unpackedBytes += chunk.byteLength;
    const isDone = onChunk(chunk);
    if (isDone) await isDone;
  }
  tell();
  return unpackedBytes;
}

/** Bytes that no unpacker takes; the message is the reason. */
class Unpackable extends Error {}

function unpacked(stored: StoredBytes): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  const head = stored.next();
  if (!head) return [];
  const magic = Buffer.from(head.subarray(0, 6)).toString("hex");
  if (magic.startsWith("1f8b")) return gunzipped(stored, head);
  if (/^(?:28b52ffd|5.2a4d18)/.test(magic)) return unzstded(stored, head);
  if (magic.startsWith("425a68"))
    throw new Unpackable("it is packed with bzip2; gzip, zstd and plain archives are read");
  if (magic === "fd377a585a00") throw new Unpackable("it is packed with xz; gzip, zstd and plain archives are read");
  return plain(stored, head);
}

function* plain(stored: StoredBytes, head: Uint8Array): Generator<Uint8Array> {
  for (let chunk: Uint8Array | undefined = head; chunk; chunk = stored.next()) yield chunk;
}

async function* gunzipped(stored: StoredBytes, head: Uint8Array): AsyncGenerator<Uint8Array> {
  const rest = yield* driven(createGunzip({ chunkSize }), plain(stored, head));
  for (const padding of rest) {
    if (padding.some((byte) => byte !== 0)) throw new Unpackable("something other than zeros follows its gzip data");
  }
}

async function* unzstded(stored: StoredBytes, head: Uint8Array): AsyncGenerator<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: zstdWindowLog };
  const rest = yield* driven(createZstdDecompress({ chunkSize, params }), framewise(stored, head));
  for (const _ of rest) throw new Unpackable("something else follows its zstd data");
}

/** Node's unpacker would take a frame that ends inside of what it is given for the last one. */
function* framewise(stored: StoredBytes, head: Uint8Array): Generator<Uint8Array> {
  const frames = new ZstdFrames();
  for (const chunk of plain(stored, head)) {
    for (let at = 0; at < chunk.byteLength; ) {
      const end = frames.end(chunk, at);
      yield chunk.subarray(at, end);
      at = end;
    }
  }
  if (!frames.isBetween) throw new Unpackable("it ends within a zstd frame"); // which Node 22 does not tell
}

/** All an engine makes of what is packed. Gives what it left, if it ended before that did. */
async function* driven(
  engine: Gunzip | ZstdDecompress,
  packed: Generator<Uint8Array>,
): AsyncGenerator<Uint8Array, Iterable<Uint8Array>> {
  let given = 0;
  let last: Uint8Array = new Uint8Array();
  let fault: unknown;
  const feed = () => {
    try {
      const { value: chunk } = packed.next();
      if (!chunk) return void engine.end();
      last = chunk;
      given += chunk.byteLength;
      engine.write(chunk, (error) => {
        if (!error && !engine.destroyed && engine.bytesWritten === given) feed(); // else the rest is not its own
      });
    } catch (error) {
      fault = error;
      engine.destroy();
    }
  };
  feed();
  try {
    for await (const bytes of engine) yield bytes as Uint8Array;
  } catch (error) {
    if (fault) throw fault;
    throw new Unpackable(`it cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    engine.destroy();
  }
  const left = given - engine.bytesWritten;
  return left > 0 ? following(last.subarray(last.byteLength - left), packed) : [];
}

function* following(rest: Uint8Array, packed: Generator<Uint8Array>): Generator<Uint8Array> {
  yield rest;
  yield* packed;
}
