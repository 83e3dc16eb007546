const blockBytes = 512;
const encoder = new TextEncoder();

/** A tar archive of regular files in ustar format, in the order given; times, owners and modes never differ. */
export function ustarOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    blocks.push(headerOf(name, bytes.byteLength), bytes, new Uint8Array(-bytes.byteLength & (blockBytes - 1)));
  }
  blocks.push(new Uint8Array(2 * blockBytes));
  return new Uint8Array(Buffer.concat(blocks));
}

function headerOf(name: string, size: number): Uint8Array {
  const path = encoder.encode(name);
  if (path.byteLength === 0 || path.byteLength > 100) throw new RangeError(`a file name has 1 to 100 bytes: ${name}`);
  const header = new Uint8Array(blockBytes);
  const put = (offset: number, text: string) => header.set(encoder.encode(text), offset);
  header.set(path, 0);
  put(100, "0000644\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        "); // the checksum counts itself as blanks
  put(156, "0");
  put(257, "ustar\x0000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return header;
}
