/** Fields of a tar header's block, as the bytes of latin1 text; the checksum is put in unless given. */
export interface HeaderFields {
  readonly name?: string;
  readonly type?: string;
  /** @defaultValue 0; a text is put there as it is */
  readonly size?: number | string;
  readonly mode?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mtime?: string;
  readonly checksum?: string;
  readonly linkName?: string;
  /** @defaultValue ustar's */
  readonly magic?: string;
  readonly major?: string;
  readonly minor?: string;
  readonly prefix?: string;
  /** More bytes, by their place. */
  readonly at?: Readonly<Record<number, string>>;
}

/** A tar header of its own making: what no program would write, too. */
export function tarHeader(fields: HeaderFields = {}): Buffer {
  const { name = "file", type = "0", size = 0, mode = "644", uid = "0", gid = "0", mtime = "0" } = fields;
  const { linkName = "", magic = "ustar\x0000", major = "", minor = "", prefix = "", at = {} } = fields;
  const block = Buffer.alloc(512);
  const put = (offset: number, text: string) => block.write(text, offset, "latin1");
  for (const [offset, text] of [
    [0, name],
    [100, mode],
    [108, uid],
    [116, gid],
    [124, typeof size === "number" ? size.toString(8).padStart(11, "0") : size],
    [136, mtime],
    [148, "        "],
    [156, type],
    [157, linkName],
    [257, magic],
    [329, major],
    [337, minor],
    [345, prefix],
  ] as const) {
    put(offset, text);
  }
  for (const [offset, text] of Object.entries(at)) put(Number(offset), text);
  let sum = 0;
  for (const byte of block) sum += byte;
  put(148, fields.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** Data with its padding. */
export function tarData(data: string | Uint8Array): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return Buffer.concat([bytes, Buffer.alloc(-bytes.byteLength & 511)]);
}

/** An entry with data: its header, and what follows. */
export function tarEntry(fields: HeaderFields, data: string | Uint8Array): Buffer {
  const size = typeof data === "string" ? data.length : data.byteLength;
  return Buffer.concat([tarHeader({ size, ...fields }), tarData(data)]);
}

/** An extended header with these records, in this order. */
export function paxHeader(records: readonly (readonly [key: string, value: string])[], type = "x"): Buffer {
  return tarEntry({ name: "PaxHeaders/file", type }, records.map(([key, value]) => paxRecord(key, value)).join(""));
}

/** The archive's end. */
export const tarEnd: Buffer = Buffer.alloc(1024);

function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (`${length}${body}`.length !== length) length += 1;
  return `${length}${body}`;
}
