import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { create, extract, Header, list } from "tar";
import { describe, expect, test } from "vitest";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "./tar-header.ts";
import { readTarEntries, type TarSource } from "./tar-reader.ts";

/** Files by name, in order. */
type Files = ReadonlyMap<string, Uint8Array>;

const blockSizes = [0, 1, 511, 512, 513, 1023, 1024, 1025, 10_240] as const;

/** Pieces of names: plain, long, of several bytes a character, and such that tools like to read something into. */
const part: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."abcz019._-+=@ #%~*?[]'\",;&$"), minLength: 1, maxLength: 30 }),
  fc.integer({ min: 90, max: 110 }).map((length) => "n".repeat(length)),
  fc.constantFrom("x".repeat(255), `blobs/sha256/${"a".repeat(64)}`, "index.json", "--help", "-", "..."),
  fc.string({ unit: fc.constantFrom("ä", "я", "漢", "😀", "e\u0301", "ﬀ", "\u00a0"), minLength: 1, maxLength: 40 }),
);

const name: fc.Arbitrary<string> = fc
  .array(part, { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join("/"))
  // A leading @ asks npm's tar for another archive; the rest is refused by us, and has tests of its own.
  .filter((text) => !text.startsWith("@") && !text.split("/").some((piece) => piece === "." || piece === ".."));

const files: fc.Arbitrary<Files> = fc
  .uniqueArray(fc.tuple(name, fc.constantFrom(...blockSizes), fc.nat(255)), {
    minLength: 1,
    maxLength: 12,
    selector: ([own]) => own,
  })
  .map((drafts) => {
    const names = new Set(drafts.map(([own]) => own));
    const isFolder = (own: string) => [...names].some((other) => other.startsWith(`${own}/`));
    return new Map(
      drafts.flatMap(([own, size, byte]) => (isFolder(own) ? [] : [[own, new Uint8Array(size).fill(byte)]])),
    );
  })
  .filter((made) => made.size > 0);

/** What GNU tar's old formats can say: 100 bytes, in ustar behind a folder of at most 155. */
const fits = {
  v7: (own: string) => Buffer.byteLength(own) < 100,
  ustar: (own: string) =>
    Buffer.byteLength(own) < 100 ||
    [...own.matchAll(/\//g)].some(
      ({ index }) => Buffer.byteLength(own.slice(0, index)) <= 155 && Buffer.byteLength(own.slice(index + 1)) < 100,
    ),
  gnu: () => true,
  posix: () => true,
} as const;

async function inFolder<Result>(work: (folder: string) => Result | Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-tools-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function ourArchive(contents: Files): Uint8Array {
  const parts = [...contents].flatMap(([own, data]) => [
    encodeTarHeader(own, data.byteLength),
    data,
    new Uint8Array(tarPadding(data.byteLength)),
  ]);
  return Buffer.concat([...parts, new Uint8Array(tarTrailerBytes)]);
}

/** Puts files on the disk, and gives their names for `--files-from`, each ended by a zero byte. */
function unpackedIn(folder: string, contents: Files): string {
  for (const [own, data] of contents) {
    mkdirSync(dirname(join(folder, own)), { recursive: true });
    writeFileSync(join(folder, own), data);
  }
  writeFileSync(`${folder}.names`, [...contents.keys()].map((own) => `${own}\0`).join(""));
  return `${folder}.names`;
}

function readBack(folder: string, contents: Files): Files {
  return new Map([...contents.keys()].map((own) => [own, new Uint8Array(readFileSync(join(folder, own)))]));
}

async function readByUs(archive: string): Promise<Files> {
  const bytes = readFileSync(archive);
  const source: TarSource = {
    name: archive,
    size: bytes.byteLength,
    read: (at, length) => bytes.subarray(at, at + length),
  };
  const entries = await readTarEntries(source);
  return new Map(
    entries.map((entry) => [entry.name, new Uint8Array(bytes.subarray(entry.offset, entry.offset + entry.size))]),
  );
}

function gnuTar(...args: readonly string[]): string {
  // ISO dates, and a locale in which no byte of a name is special
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  return execFileSync("tar", args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"], maxBuffer: 2 ** 26 });
}

function listedByGnuTar(archive: string): readonly string[] {
  const lines = gnuTar("--quoting-style=literal", "--full-time", "--numeric-owner", "-tvf", archive).split("\n");
  return lines.slice(0, -1).map((line) => line.replace(/^(\S+ \S+) +/, "$1 ")); // the sizes' column is padded
}

async function listedByNpmTar(archive: string): Promise<readonly object[]> {
  const listed: object[] = [];
  await list({
    file: archive,
    strict: true,
    onReadEntry: ({ path, size, type, mode }) => void listed.push({ path, size, type, mode }),
  });
  return listed;
}

describe("archives we write", () => {
  test("are listed and extracted by GNU tar as what they are", async () => {
    const property = fc.asyncProperty(files, (contents) =>
      inFolder((folder) => {
        const archive = join(folder, "ours.tar");
        writeFileSync(archive, ourArchive(contents));
        expect(listedByGnuTar(archive)).toEqual(
          [...contents].map(([own, { byteLength }]) => `-rwxrwxrwx 0/0 ${byteLength} 1970-01-01 00:00:00 ${own}`),
        );
        mkdirSync(join(folder, "out"));
        gnuTar("-xf", archive, "-C", join(folder, "out"));
        expect(readBack(join(folder, "out"), contents)).toEqual(contents);
      }),
    );
    await fc.assert(property, { numRuns: 30 });
  });

  test("are listed and extracted by the tar package of npm as what they are", async () => {
    const property = fc.asyncProperty(files, (contents) =>
      inFolder(async (folder) => {
        const archive = join(folder, "ours.tar");
        writeFileSync(archive, ourArchive(contents));
        expect(await listedByNpmTar(archive)).toEqual(
          [...contents].map(([path, { byteLength }]) => ({ path, size: byteLength, type: "File", mode: 0o777 })),
        );
        mkdirSync(join(folder, "out"));
        await extract({ file: archive, cwd: join(folder, "out"), strict: true });
        expect(readBack(join(folder, "out"), contents)).toEqual(contents);
      }),
    );
    await fc.assert(property, { numRuns: 30 });
  });
});

describe("archives others write are read by us as what they are", () => {
  test.for(["v7", "ustar", "gnu", "posix"] as const)("GNU tar, %s", async (format) => {
    const property = fc.asyncProperty(files, (made) =>
      inFolder(async (folder) => {
        const contents = new Map([...made].filter(([own]) => fits[format](own)));
        fc.pre(contents.size > 0);
        const names = unpackedIn(join(folder, "in"), contents);
        const archive = join(folder, "gnu.tar");
        gnuTar(`--format=${format}`, "-cf", archive, "-C", join(folder, "in"), "--null", "--no-recursion", "-T", names);
        expect(await readByUs(archive)).toEqual(contents);
      }),
    );
    await fc.assert(property, { numRuns: 15 });
  });

  test.for([
    { name: "with the times and owners of the disk", portable: false },
    { name: "portable", portable: true },
  ])("the tar package of npm, $name", async ({ portable }) => {
    const property = fc.asyncProperty(files, (contents) =>
      inFolder(async (folder) => {
        unpackedIn(join(folder, "in"), contents);
        const archive = join(folder, "npm.tar");
        await create({ file: archive, cwd: join(folder, "in"), portable, strict: true }, [...contents.keys()]);
        expect(await readByUs(archive)).toEqual(contents);
      }),
    );
    await fc.assert(property, { numRuns: 15 });
  });
});

test("a long name of which the header's own field keeps half a character is read whole", async () => {
  const contents = new Map([[`${"n".repeat(99)}ä/file`, new Uint8Array(3)]]);
  await inFolder(async (folder) => {
    const archive = join(folder, "ours.tar");
    writeFileSync(archive, ourArchive(contents));
    expect(await readByUs(archive)).toEqual(contents);
  });
});

describe("sizes around and beyond 8 GiB", () => {
  const gib = 1024 ** 3;
  const edges = [8 * gib - 1, 8 * gib, 8 * gib + 1, 100 * gib + 513] as const;

  /** An archive that is not there but for its first bytes. */
  function sparse(head: Uint8Array, size: number): TarSource {
    return {
      name: "big.tar",
      size,
      read(offset, length) {
        const bytes = new Uint8Array(Math.min(length, size - offset));
        if (offset < head.byteLength) bytes.set(head.subarray(offset, offset + length).subarray(0, bytes.byteLength));
        return bytes;
      },
    };
  }

  test.for(edges)("%i bytes: GNU tar and npm's tar read the header as we mean it", async (size) => {
    await inFolder((folder) => {
      const archive = join(folder, "big.tar");
      const header = encodeTarHeader("big", size);
      writeFileSync(archive, header);
      truncateSync(archive, header.byteLength + size + tarPadding(size) + tarTrailerBytes);
      expect(listedByGnuTar(archive)).toEqual([`-rwxrwxrwx 0/0 ${size} 1970-01-01 00:00:00 big`]);
      expect(new Header(Buffer.from(header))).toMatchObject({ path: "big", size, cksumValid: true });
    });
  });

  test.for([
    { size: 8 * gib - 1, format: "gnu" },
    { size: 8 * gib, format: "gnu" },
    { size: 8 * gib - 1, format: "posix" },
    { size: 8 * gib, format: "posix" },
    { size: 100 * gib + 513, format: "posix" },
  ])("$size bytes: we read what GNU tar writes, $format", async ({ size, format }) => {
    await inFolder(async (folder) => {
      writeFileSync(join(folder, "big"), "");
      truncateSync(join(folder, "big"), size);
      const head = join(folder, "head");
      execFileSync("sh", ["-c", `tar --format=${format} -cf - -C "$1" big | head -c 2048 > "$2"`, "sh", folder, head]);
      const bytes = readFileSync(head);
      const [header = -1] = Array.from({ length: 4 }, (_, at) => at * 512).filter((at) => bytes[at + 156] === 0x30);
      const whole = header + 512 + size + tarPadding(size) + tarTrailerBytes;
      expect(await readTarEntries(sparse(bytes.subarray(0, header + 512), whole))).toEqual([
        { name: "big", offset: header + 512, size },
      ]);
    });
  });

  test("any size we can count comes back from our header", async () => {
    const property = fc.asyncProperty(name, fc.maxSafeNat(), async (own, random) => {
      const size = Math.min(random, Number.MAX_SAFE_INTEGER - 2 ** 20);
      const header = encodeTarHeader(own, size);
      const whole = header.byteLength + size + tarPadding(size) + tarTrailerBytes;
      expect(await readTarEntries(sparse(header, whole))).toEqual([{ name: own, offset: header.byteLength, size }]);
    });
    await fc.assert(property, { numRuns: 300 });
  });
});
