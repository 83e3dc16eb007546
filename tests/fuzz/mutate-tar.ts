import type { Choice } from "./random-choice.ts";

const blockBytes = 512;

/** One way to damage an archive, or to make it lie. It gives a new array, never longer than a few blocks more. */
type Mutation = (bytes: Uint8Array, choice: Choice) => Uint8Array;

const flipBits: Mutation = (bytes, choice) => edited(bytes, choice, (byte) => byte ^ (1 << choice.below(8)));
const setBytes: Mutation = (bytes, choice) =>
  edited(bytes, choice, () => choice.of([0, 0x20, 0x2f, 0x30, 0x37, 0x80, 0xff, choice.below(256)]));

const truncate: Mutation = (bytes, choice) => {
  const at = choice.below(bytes.byteLength + 1);
  return bytes.slice(0, choice.happens(0.5) ? at : at - (at % blockBytes));
};

const insertBlock: Mutation = (bytes, choice) => {
  const at = aBlock(bytes, choice);
  const kinds = [
    new Uint8Array(blockBytes),
    new Uint8Array(blockBytes).fill(0x41),
    blockAt(bytes, aHeader(bytes, choice)),
  ];
  return Buffer.concat([bytes.subarray(0, at), choice.of(kinds), bytes.subarray(at)]);
};

const removeBlocks: Mutation = (bytes, choice) => {
  const at = aBlock(bytes, choice);
  return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + blockBytes * (1 + choice.below(3)))]);
};

const repeatBlocks: Mutation = (bytes, choice) => {
  const [from, at] = [aBlock(bytes, choice), aBlock(bytes, choice)];
  const copy = bytes.subarray(from, from + blockBytes * (1 + choice.below(4)));
  return Buffer.concat([bytes.subarray(0, at), copy, bytes.subarray(at)]);
};

const swapBlocks: Mutation = (bytes, choice) => {
  const [one, other] = [aBlock(bytes, choice), aHeader(bytes, choice)];
  const copy = Uint8Array.from(bytes);
  copy.set(blockAt(bytes, one), other);
  copy.set(blockAt(bytes, other), one);
  return copy;
};

/** Bytes of a header's fields: name, mode, owner, size, time, type, link, magic, prefix. */
const fields: readonly (readonly [number, number])[] = [
  [0, 100],
  [100, 8],
  [108, 8],
  [124, 12],
  [124, 12],
  [136, 12],
  [156, 1],
  [156, 1],
  [157, 100],
  [257, 8],
  [345, 155],
];

const editHeader: Mutation = (bytes, choice) =>
  withHeader(bytes, choice, (header) => {
    const [at, length] = choice.of(fields);
    for (let edits = 1 + choice.below(3); edits > 0; edits -= 1) {
      header[at + choice.below(length)] = choice.of([0, 0x20, 0x2e, 0x2f, 0x30, 0x35, 0x4c, 0x78, choice.below(256)]);
    }
  });

const lieAboutSize: Mutation = (bytes, choice) =>
  withHeader(bytes, choice, (header) => {
    const real = Number.parseInt(Buffer.from(header.subarray(124, 135)).toString("latin1"), 8) || 0;
    const size = choice.of([
      0,
      1,
      real - 1,
      real + 1,
      real + 512,
      511,
      512,
      513,
      8 ** 11 - 1,
      bytes.byteLength,
      2 ** 40,
    ]);
    if (choice.happens(0.3)) {
      header.fill(0, 124, 136);
      header[124] = choice.of([0x80, 0xff, 0xc0, 0x80]);
      new DataView(header.buffer, header.byteOffset).setBigUint64(128, BigInt(Math.max(0, size)));
    } else header.set(Buffer.from(`${Math.max(0, size).toString(8).padStart(11, "0").slice(-11)}\0`), 124);
  });

const types = ["0", "\0", "1", "2", "3", "5", "6", "7", "g", "x", "L", "K", "S", "D", "V", "M", "A"] as const;

const changeType: Mutation = (bytes, choice) =>
  withHeader(bytes, choice, (header) => void header.set(Buffer.from(choice.of(types), "latin1"), 156));

const names = [
  "../escaped",
  "../../../../tmp/escaped",
  "/etc/escaped",
  "a/../../escaped",
  "a/./b",
  "a//b",
  "./index.json",
  "././index.json",
  "c:escaped",
  "a\\..\\escaped",
  "index.json",
  "INDEX.JSON",
  "modules/index.json",
  "UPPER/index.json",
  ".tranship/plan.ndjson",
  "tranship.lock.json",
  `blobs/sha256/${"0".repeat(64)}`,
  `blobs/sha256/${"0".repeat(63)}G`,
  "blobs/sha256/",
  "dir/",
  "",
  ".",
  "..",
  "\u001b[2Jname",
  "__proto__/index.json",
  "constructor",
  "e\u0301",
] as const;

const changeName: Mutation = (bytes, choice) =>
  withHeader(bytes, choice, (header) => {
    header.fill(0, 0, 100);
    header.set(Buffer.from(choice.happens(0.9) ? choice.of(names) : "n".repeat(100)).subarray(0, 100), 0);
  });

/** A long name, by a GNU record or a PAX header, for an entry that had a short one. */
const giveLongName: Mutation = (bytes, choice) => {
  const at = aHeader(bytes, choice);
  const name = choice.of([...names, "d/".repeat(2000), "n".repeat(5000), "a\0b", "\ud800"]);
  const isPax = choice.happens(0.5);
  const body = Buffer.from(isPax ? paxRecords(name, choice) : `${name}\0`);
  const record = new Uint8Array(blockBytes + Math.ceil(body.byteLength / blockBytes) * blockBytes);
  record.set(blockAt(bytes, at), 0);
  record.set(Buffer.from(`${body.byteLength.toString(8).padStart(11, "0")}\0`), 124);
  record.set(Buffer.from(isPax ? choice.of(["x", "x", "x", "g"]) : "L"), 156);
  record.set(body, blockBytes);
  fixChecksum(record.subarray(0, blockBytes));
  return Buffer.concat([bytes.subarray(0, at), record, bytes.subarray(at)]);
};

function paxRecords(name: string, choice: Choice): string {
  const size = choice.of(["0", "1", "512", "99999999999999999999", "-1", "1e3", ""]);
  const key = choice.of([
    "path",
    "path",
    "size",
    "GNU.sparse.size",
    "GNU.sparse.name",
    "linkpath",
    "hdrcharset",
    "comment",
  ]);
  const text = ` ${key}=${key === "size" ? size : name}\n`;
  const length = Buffer.byteLength(text);
  const total = length + String(length + String(length).length).length;
  return `${choice.happens(0.8) ? total : choice.of([0, 1, total - 1, total + 1, 99_999_999])}${text}`;
}

const mutations: readonly (readonly [string, Mutation])[] = [
  ["flip bits", flipBits],
  ["set bytes", setBytes],
  ["truncate", truncate],
  ["insert a block", insertBlock],
  ["remove blocks", removeBlocks],
  ["repeat blocks", repeatBlocks],
  ["swap blocks", swapBlocks],
  ["edit a header", editHeader],
  ["edit a header", editHeader],
  ["lie about a size", lieAboutSize],
  ["change a type", changeType],
  ["change a name", changeName],
  ["give a long name", giveLongName],
];

/** Damages an archive in one to three ways; `what` says how, for people. */
export function mutateTar(bytes: Uint8Array, choice: Choice): { readonly bytes: Uint8Array; readonly what: string } {
  const done: string[] = [];
  let mutated = bytes;
  for (let left = choice.of([1, 1, 1, 2, 3]); left > 0; left -= 1) {
    if (mutated.byteLength < blockBytes) break;
    const [what, mutate] = choice.of(mutations);
    mutated = mutate(mutated, choice);
    done.push(what);
  }
  return { bytes: mutated, what: done.join(", ") };
}

function edited(bytes: Uint8Array, choice: Choice, change: (byte: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let edits = choice.of([1, 1, 2, 8]); edits > 0; edits -= 1) {
    const at = choice.below(copy.byteLength);
    copy[at] = change(copy[at] ?? 0);
  }
  return copy;
}

function withHeader(bytes: Uint8Array, choice: Choice, change: (header: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const header = blockAt(copy, aHeader(copy, choice));
  change(header);
  if (choice.happens(0.95)) fixChecksum(header); // else it must fall at once
  return copy;
}

function fixChecksum(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

function blockAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at, at + blockBytes);
}

function aBlock(bytes: Uint8Array, choice: Choice): number {
  return blockBytes * choice.below(Math.floor(bytes.byteLength / blockBytes));
}

/** Where one of the headers is, as far as they can be told from data by their magic. */
function aHeader(bytes: Uint8Array, choice: Choice): number {
  const headers: number[] = [];
  for (let at = 0; at + blockBytes <= bytes.byteLength; at += blockBytes) {
    if (bytes[at + 257] === 0x75 && bytes[at + 258] === 0x73 && bytes[at + 259] === 0x74) headers.push(at);
  }
  return headers.length > 0 ? choice.of(headers) : aBlock(bytes, choice);
}
