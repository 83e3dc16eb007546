import type { TarEntry } from "../../../packages/core/src/bundle/tar/tar-reader.ts";
import { ArchiveFault } from "../../../packages/core/src/layer-archive/archive-fault.ts";
import { textOfByteString } from "../../../packages/core/src/layer-archive/byte-string.ts";
import type { LayerEntry } from "../../../packages/core/src/layer-archive/layer-entry.ts";
import { LayerParser } from "../../../packages/core/src/layer-archive/layer-parser.ts";
import { judgeArchive } from "../judge-parts.ts";
import { mutateTar } from "../mutate-tar.ts";
import { require, requireDecent, requireSame } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

const words = [
  "\0".repeat(512),
  "ustar\x0000",
  "ustar  \0",
  "00000000000\0",
  "0000644\0",
  "././@LongLink",
  "../../etc/passwd",
  ".wh..wh..opq",
  ".wh.x",
  "30 mtime=1350244992.023960108\n",
  "18 path=../escape\n",
  "11 size=10\n",
  "22 GNU.sparse.major=1\n",
  "22 GNU.sparse.minor=0\n",
  "\x80\0\0\0\0\0\0\0\0\0\0\x10",
];

const parts: Pick<FuzzTarget, "alphabet" | "words" | "maxLength" | "mutate"> = {
  alphabet: "bytes",
  words,
  maxLength: 256 * 1024,
  mutate: (input, choice) => {
    const bytes = bytesOfInput(input);
    return bytes.byteLength < 512 ? input : Buffer.from(mutateTar(bytes, choice).bytes).toString("latin1");
  },
};

/** Archives of bundles, read strictly; what is accepted has to be the same to the reader of layers. */
export const tarTarget: FuzzTarget = {
  name: "tar",
  testRuns: 600,
  what: "archives of bundles",
  ...parts,
  judge: async (input) => {
    const bytes = bytesOfInput(input);
    const entries = await judgeArchive(bytes);
    if (entries === undefined) return false;
    const { entries: others, fault } = layerEntries([bytes]);
    if (fault === undefined) requireSameFiles(filesOf(others), entries, input);
    return true;
  },
};

/** Archives of layers, read as they come; the entries must not depend on how the bytes are cut. */
export const layerTarget: FuzzTarget = {
  name: "layer",
  testRuns: 400,
  what: "archives of layers",
  ...parts,
  judge: (input) => {
    const bytes = bytesOfInput(input);
    const whole = layerEntries([bytes]);
    requireSame(layerEntries(cut(bytes, 1 + (input.length % 700))), whole, "the same bytes in pieces");
    for (const entry of whole.entries) requireUsable(entry);
    return whole.fault === undefined;
  },
};

function layerEntries(pieces: readonly Uint8Array[]): {
  readonly entries: readonly LayerEntry[];
  readonly fault?: string;
} {
  const entries: LayerEntry[] = [];
  const parser = new LayerParser((entry) => entries.push(entry));
  try {
    for (const piece of pieces) parser.push(piece);
    parser.end();
    return { entries };
  } catch (error) {
    if (!(error instanceof ArchiveFault)) throw error;
    requireDecent(error.message);
    return { entries, fault: error.message };
  }
}

function requireUsable({ name, size, offset, mode, uid, gid, mtime, extents = [] }: LayerEntry): void {
  const numbers = [size, offset, mode, uid, gid, mtime.nanoseconds];
  require(numbers.every((number) => Number.isSafeInteger(number) && number >= 0), `${name} has ${numbers.join(", ")}`);
  require(Number.isSafeInteger(mtime.seconds) && mtime.nanoseconds < 1e9, `${name} is of ${mtime.seconds}`);
  require(!name.includes("\0"), "a name with a zero byte");
  let end = 0;
  for (const { at, length } of extents) {
    require(at >= end && length > 0 && at + length <= size, `extents of ${name} overlap or are outside`);
    end = at + length;
  }
}

function cut(bytes: Uint8Array, length: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.byteLength / length) }, (_, at) =>
    bytes.subarray(at * length, (at + 1) * length),
  );
}

type NamedFile = Pick<TarEntry, "name" | "offset" | "size">;

function filesOf(entries: readonly LayerEntry[]): readonly NamedFile[] {
  return entries
    .filter(({ type }) => type !== "directory")
    .map(({ name, offset, size }) => ({ name: textOfByteString(name).replace(/^(?:\.\/+)+/, ""), offset, size }));
}

/**
 * Names may differ by a prefix alone: layers are also read as old programs wrote them, with one in GNU headers, which GNU tar
 * and bundles know nothing of; and star's is shorter than that of others.
 */
function requireSameFiles(files: readonly NamedFile[], entries: readonly TarEntry[], input: string): void {
  const ends = ({ offset, size }: NamedFile) => ({ offset, size });
  requireSame(files.map(ends), entries.map(ends), "where its files are, read as a layer");
  if (input.includes("tar\0")) return;
  for (const [at, { name }] of entries.entries()) {
    const other = files[at]?.name ?? "";
    require(other === name || other.endsWith(`/${name}`), `${other} in place of ${name}, read as a layer`);
  }
}
