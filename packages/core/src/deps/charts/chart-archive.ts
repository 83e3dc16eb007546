import { promisify } from "node:util";
import { gunzipSync, gzip, constants as zlib } from "node:zlib";
import { parseTarBlock, tarBlockBytes } from "../../bundle/tar/tar-block.ts";
import { tarPadding, tarTrailerBytes } from "../../bundle/tar/tar-header.ts";
import { encodeEntry } from "../../rootfs/output/tar/encode-entry.ts";
import type { ChartFiles } from "./chart-files.ts";

const compress = promisify(gzip);

/** The largest chart that Helm unpacks, in bytes. */
const maxUnpackedBytes = 100 * 1024 * 1024;

/** Where gzip says which system it ran on, and its word for none that it knows. */
const [gzipSystemAt, unknownSystem] = [9, 255];

/**
 * The gzipped tar archive of a chart: all files below a folder of its name, in the order they are given, mode 0644, owner 0,
 * time 0. Nothing of the machine is in it; but other versions of zlib, and so of Node, may compress to other bytes.
 */
export async function encodeChartArchive(name: string, files: ChartFiles): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const [path, bytes] of files) {
    const entry = { name: Buffer.from(`${name}/${path}`).toString("latin1") };
    const inode = {
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: { seconds: 0, nanoseconds: 0 },
      atime: undefined,
      xattrs: undefined,
      size: bytes.byteLength,
      content: { bytes },
    } as const;
    parts.push(encodeEntry(inode, entry), bytes, Buffer.alloc(tarPadding(bytes.byteLength)));
  }
  parts.push(Buffer.alloc(tarTrailerBytes));
  const archive = await compress(Buffer.concat(parts), { level: zlib.Z_BEST_COMPRESSION });
  archive[gzipSystemAt] = unknownSystem;
  return archive;
}

/** The `Chart.yaml` in a chart's archive; `undefined` when that has none, or is no archive. */
export function archivedChartYaml(archive: Uint8Array): Uint8Array | undefined {
  try {
    const tar = gunzipSync(archive, { maxOutputLength: maxUnpackedBytes });
    for (let at = 0; at + tarBlockBytes <= tar.byteLength; ) {
      const block = parseTarBlock(tar.subarray(at, at + tarBlockBytes));
      if (block === undefined) return undefined;
      const start = at + tarBlockBytes;
      if (/^[^/]+\/Chart\.yaml$/.test(Buffer.from(block.nameBytes).toString()))
        return tar.subarray(start, start + block.size);
      at = start + block.size + tarPadding(block.size);
    }
    return undefined;
  } catch {
    return undefined;
  }
}
