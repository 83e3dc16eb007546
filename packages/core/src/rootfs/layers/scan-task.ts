import { createHash } from "node:crypto";
import { ArchiveFault } from "../../layer-archive/archive-fault.ts";
import { textOfByteString } from "../../layer-archive/byte-string.ts";
import type { LayerEntry, LayerScan } from "../../layer-archive/layer-entry.ts";
import { LayerParser } from "../../layer-archive/layer-parser.ts";
import type { RootfsLimits } from "../limits.ts";
import { metadataBytes } from "./entry-bytes.ts";
import { inflateLayer } from "./inflate.ts";
import { LayerFault, layerInvalid, layerMismatch } from "./layer-fault.ts";
import type { LayerFile } from "./layer-file.ts";
import type { TaskContext } from "./layer-task.ts";
import { addUsage, type LayerUsage } from "./layer-usage.ts";

/** What a scan is asked for. */
export interface ScanInput {
  readonly file: LayerFile;
  readonly reference: string;
  readonly limits: RootfsLimits;
  readonly usage: LayerUsage;
}

/** What a scan tells. */
export type ScanMessage =
  | { readonly type: "entries"; readonly entries: readonly LayerEntry[] }
  | { readonly type: "stored"; readonly bytes: number };

/** Told at a time: entries, and the bytes of their names and attributes. */
const [batchEntries, batchBytes] = [1000, 1024 * 1024];
/** A layer that unpacks to less is no bomb, whatever its ratio. */
const minBombBytes = 64 * 1024 * 1024;

/** Reads a layer once from end to end and tells its entries. */
export async function runTask(input: ScanInput, context: TaskContext<ScanMessage>): Promise<LayerScan> {
  const { file, reference } = input;
  const batch = new Batch(input);
  const parser = new LayerParser((entry) => batch.add(entry));
  const diffId = file.diffId && { expected: file.diffId, ...hashOf(file.diffId) };
  let storedBytes = 0;
  let unpackedBytes = 0;
  const flush = async () => {
    const bytes = storedBytes;
    storedBytes = 0;
    if (bytes > 0) await context.post({ type: "stored", bytes });
    if (batch.size > 0) await context.post({ type: "entries", entries: batch.take() });
  };
  const onChunk = (chunk: Uint8Array) => {
    unpackedBytes += chunk.byteLength;
    batch.countUnpacked(chunk.byteLength, unpackedBytes);
    diffId?.hash.update(chunk);
    located(input, () => parser.push(chunk));
    return batch.isFull || storedBytes > 0 ? flush() : undefined;
  };
  const onStored = (bytes: number) => {
    storedBytes += bytes;
  };
  await inflateLayer(file, onChunk, { reference, onStored });
  located(input, () => parser.end());
  if (diffId) {
    const actual = `${diffId.algorithm}:${diffId.hash.digest("hex")}`;
    if (actual !== diffId.expected) throw layerMismatch(reference, file.layer, diffId.expected, actual, true);
  }
  await flush();
  return { unpackedBytes, entries: batch.entries };
}

/** The entries that are not told yet, within the ceilings. */
class Batch {
  readonly #input: ScanInput;
  #waiting: LayerEntry[] = [];
  #waitingBytes = 0;
  /** Of the whole layer. */
  entries = 0;

  constructor(input: ScanInput) {
    this.#input = input;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#waiting.length >= batchEntries || this.#waitingBytes >= batchBytes;
  }

  add(entry: LayerEntry): void {
    const { limits } = this.#input;
    const pathBytes = Math.max(entry.name.length, entry.linkName?.length ?? 0);
    if (pathBytes > limits.maxPathBytes) throw this.#over("maxPathBytes", entry);
    if (entry.size > limits.maxFileBytes) throw this.#over("maxFileBytes", entry);
    const bytes = metadataBytes(entry);
    if (this.#add("maxMetadataBytes", bytes) > limits.maxMetadataBytes) throw this.#over("maxMetadataBytes", entry);
    if (this.#add("maxEntries", 1) > limits.maxEntries) throw this.#over("maxEntries", entry);
    this.#waiting.push(entry);
    this.#waitingBytes += bytes;
    this.entries += 1;
  }

  countUnpacked(bytes: number, layerBytes: number): void {
    const { file, limits } = this.#input;
    if (this.#add("maxUnpackedBytes", bytes) > limits.maxUnpackedBytes) throw this.#over("maxUnpackedBytes");
    if (layerBytes > minBombBytes && layerBytes > file.size * limits.maxRatio) throw this.#over("maxRatio");
  }

  take(): readonly LayerEntry[] {
    const entries = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    return entries;
  }

  #add(limit: Parameters<typeof addUsage>[1], amount: number): number {
    return addUsage(this.#input.usage, limit, amount);
  }

  #over(limit: keyof RootfsLimits, entry?: LayerEntry): LayerFault<"LIMIT_EXCEEDED"> {
    const { file, reference, limits } = this.#input;
    const max = limits[limit];
    const name = entry && textOfByteString(entry.name.slice(0, 200));
    const where = name === undefined ? "" : `, at ${JSON.stringify(name)}`;
    return new LayerFault(
      "LIMIT_EXCEEDED",
      `cannot read layer ${file.layer} of ${reference}: it goes beyond ${limit}, ${max}${where}`,
      { reference, limit, max, layer: file.layer, ...(name === undefined ? {} : { entry: name }) },
    );
  }
}

function hashOf(digest: string) {
  const algorithm = digest.startsWith("sha512:") ? "sha512" : "sha256";
  return { algorithm, hash: createHash(algorithm) };
}

/** What is wrong with an archive, with the layer it is. */
function located({ file, reference }: ScanInput, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    throw error instanceof ArchiveFault ? layerInvalid(reference, file, error.message, error.entry) : error;
  }
}
