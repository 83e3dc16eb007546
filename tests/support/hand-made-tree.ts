import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf } from "@tranship/registry";
import type { ByteString } from "../../packages/core/src/layer-archive/byte-string.ts";
import { byteStringOf } from "../../packages/core/src/layer-archive/byte-string.ts";
import type { LayerFile } from "../../packages/core/src/rootfs/layers/layer-file.ts";
import type {
  DeviceInode,
  DirectoryInode,
  FifoInode,
  FileInode,
  Inode,
  InodeMetadata,
  SymlinkInode,
} from "../../packages/core/src/rootfs/tree/inode.ts";
import type { RootfsTree } from "../../packages/core/src/rootfs/tree/rootfs-tree.ts";

type Metadata = Partial<InodeMetadata>;

/** Makes inodes whose contents go one behind the other into layers; between them are bytes of nobody. */
export class HandMadeTree {
  readonly #layers: Buffer[][] = [[]];

  /** What is made from here on has its bytes in another layer. */
  nextLayer(): void {
    this.#layers.push([]);
  }

  file(content: string | Uint8Array, metadata: Metadata = {}): FileInode {
    const bytes = Buffer.from(content);
    const at = { layer: this.#layers.length - 1, offset: this.#append(bytes) };
    return { type: "file", size: bytes.byteLength, content: at, ...metadataOf(0o644, metadata) };
  }

  /** A file that is `size` bytes long and has these parts, by where they are. */
  sparse(size: number, parts: Readonly<Record<number, string>>, metadata: Metadata = {}): FileInode {
    const extents = Object.entries(parts).map(([at, text]) => {
      const bytes = Buffer.from(text);
      return { at: Number(at), offset: this.#append(bytes), length: bytes.byteLength };
    });
    const content = { layer: this.#layers.length - 1, offset: extents[0]?.offset ?? 0, extents };
    return { type: "file", size, content, ...metadataOf(0o644, metadata) };
  }

  directory(entries: Readonly<Record<ByteString, Inode>> = {}, metadata: Metadata = {}): DirectoryInode {
    return { type: "directory", entries: new Map(Object.entries(entries)), ...metadataOf(0o755, metadata) };
  }

  symlink(target: ByteString, metadata: Metadata = {}): SymlinkInode {
    return { type: "symlink", target, ...metadataOf(0o777, metadata) };
  }

  device(type: DeviceInode["type"], major: number, minor: number, metadata: Metadata = {}): DeviceInode {
    return { type, major, minor, ...metadataOf(0o600, metadata) };
  }

  fifo(metadata: Metadata = {}): FifoInode {
    return { type: "fifo", ...metadataOf(0o644, metadata) };
  }

  /** The tree, its layers (every other one gzip) stored in `folder`. */
  finish(folder: string, root: DirectoryInode): RootfsTree {
    const layers = this.#layers.map((chunks, layer): LayerFile => {
      const plain = Buffer.concat([...chunks, Buffer.from("the end")]);
      const bytes = layer % 2 === 0 ? gzipSync(plain) : plain;
      const path = join(folder, `layer-${layer}`);
      writeFileSync(path, bytes);
      const size = bytes.byteLength;
      return {
        layer,
        digest: digestOf(bytes),
        size,
        diffId: digestOf(plain),
        pieces: [{ path, offset: 0, length: size }],
      };
    });
    return { root, layers };
  }

  #append(bytes: Buffer): number {
    const chunks = this.#layers.at(-1) ?? [];
    chunks.push(Buffer.from("between"));
    const offset = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    chunks.push(bytes);
    return offset;
  }
}

const capability = Buffer.from("AQAAAgAgAAAAAAAAAAAAAAAAAAA=", "base64"); // cap_net_raw, effective

/** Everything a tree can have, below names that are no words for a command line. */
export function everyKind(make: HandMadeTree): DirectoryInode {
  const shared = make.file("shared", {
    mode: 0o4755,
    uid: 12,
    gid: 34,
    xattrs: new Map([["security.capability", capability]]),
  });
  make.nextLayer();
  const mtime = { seconds: -100, nanoseconds: 500_000_000 };
  const device = make.device("character", 1, 3, { mode: 0o666, uid: 1 });
  return make.directory(
    {
      "-rf": shared,
      acting: make.file("acting", { mode: 0o6755, uid: 12 }),
      closed: make.directory(
        { below: make.directory({}, { mode: 0o500, mtime }), inner: make.file("inner", { mode: 0 }) },
        { mode: 0, mtime },
      ),
      "new\nline": make.symlink("/etc/passwd", { uid: 5, gid: 6, mtime: { seconds: 1, nanoseconds: 250_000_000 } }),
      "\xff\xfe": make.fifo({ mode: 0o620 }),
      device,
      "device\\2": device,
      link: shared,
      private: make.file("private", { mode: 0o600, gid: 7 }),
      shared: make.directory({}, { mode: 0o3775, gid: 8, xattrs: new Map([["user.a=b", Buffer.from([0, 10])]]) }),
      [byteStringOf("диск")]: make.device("block", 7, 300),
      sparse: make.sparse(1_000_000, { 999990: "end" }),
      writable: make.file("for all", { mode: 0o666, atime: { seconds: 1_700_000_000, nanoseconds: 0 } }),
    },
    { mode: 0o711, uid: 1000, gid: 1001, mtime },
  );
}

function metadataOf(mode: number, metadata: Metadata): InodeMetadata {
  const mtime = { seconds: 1_600_000_000, nanoseconds: 0 };
  return { mode, uid: 0, gid: 0, mtime, atime: undefined, xattrs: undefined, ...metadata };
}
