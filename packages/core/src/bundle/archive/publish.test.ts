import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ArchiveFile } from "./archive-file.ts";
import { chunkName } from "./archive-names.ts";
import { type ArchivePlace, filePathOf } from "./archive-place.ts";
import { findArchives } from "./find-archives.ts";
import { publish, publishing, removeArchive, takeBack } from "./publish.ts";

const archive = "a.tar";

/** What an archive holds, and the size of its chunks. */
interface Form {
  readonly content: string;
  readonly chunkBytes?: number | undefined;
}

const chunkSize = 512;
const forms: Readonly<Record<string, Form | undefined>> = {
  nothing: undefined,
  "one file": { content: "old ".repeat(500) },
  "as many chunks": { content: "old ".repeat(500), chunkBytes: chunkSize },
  "more chunks": { content: "old ".repeat(1500), chunkBytes: chunkSize },
  "fewer chunks": { content: "old ".repeat(200), chunkBytes: chunkSize },
  "one chunk": { content: "old ".repeat(20), chunkBytes: chunkSize },
};

const made = {
  "one file": { content: "new ".repeat(450) },
  chunks: { content: "new ".repeat(450), chunkBytes: chunkSize },
  "one chunk": { content: "new ".repeat(100), chunkBytes: chunkSize },
} satisfies Readonly<Record<string, Form>>;

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-publish-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function put(folder: string, { content, chunkBytes }: Form, isPartial: boolean): ArchivePlace {
  const place = { path: join(folder, archive), isPartial, chunkBytes };
  const bytes = Buffer.from(content);
  const size = chunkBytes ?? bytes.byteLength;
  for (let index = 0; index * size < bytes.byteLength; index += 1) {
    const path = filePathOf(place, index);
    writeFileSync(path, bytes.subarray(index * size, (index + 1) * size));
    if (isPartial) continue;
    for (const suffix of [".sha256", ".gostsum"]) writeFileSync(path + suffix, `of ${path}`);
  }
  return place;
}

/** What a writer does at an archive's end. */
function finish(partial: ArchivePlace, bytes: number): void {
  using file = ArchiveFile.write(partial);
  file.truncate(bytes);
  publish(partial, bytes);
}

/** Reads as tools do that know no more than names: the whole file, else chunks up to the first gap. */
function readByName(folder: string): string | undefined {
  const path = join(folder, archive);
  if (existsSync(path)) return readFileSync(path, "utf8");
  let text: string | undefined;
  for (let index = 0; existsSync(chunkName(path, index)); index += 1) {
    text = (text ?? "") + readFileSync(chunkName(path, index), "utf8");
  }
  return text;
}

/** Reads as a bundle's reader does; `undefined` when there is nothing or it is refused. */
async function readStrictly(folder: string): Promise<string | undefined> {
  try {
    const [found] = await findArchives(folder);
    return found?.paths.map((path) => readFileSync(path, "utf8")).join("");
  } catch {
    return undefined;
  }
}

/** Checksums that stand beside a file other than the one they were made of. */
function staleChecksums(folder: string, old: Form | undefined): readonly string[] {
  const isOld = old !== undefined && readByName(folder) === old.content;
  return isOld
    ? []
    : readdirSync(folder).filter((name) => /\.(?:sha256|gostsum)$/.test(name) && !existsOld(folder, name));
}

function existsOld(folder: string, sidecar: string): boolean {
  const file = join(folder, sidecar.replace(/\.(?:sha256|gostsum)$/, ""));
  return existsSync(file) && readFileSync(file, "utf8").includes("old ");
}

const cases = Object.entries(forms).flatMap(([before, old]) =>
  Object.entries(made).map(([after, next]) => ({ before, old, after, next: next as Form })),
);

test.for(cases)(
  "over $before, publishing $after shows the old, nothing or the new after every step, and can be finished from there",
  async ({ old, next }) => {
    const bytes = Buffer.byteLength(next.content);
    for (let steps = 0; ; steps += 1) {
      const folder = aFolder();
      if (old) put(folder, old, false);
      const partial = put(folder, next, true);
      const running = publishing(partial, bytes);
      let isDone = false;
      for (let step = 0; step < steps && !isDone; step += 1) isDone = running.next().done ?? false;
      const allowed = [undefined, old?.content, next.content];
      expect(allowed).toContain(readByName(folder));
      expect(allowed).toContain(await readStrictly(folder));
      if (steps > 0) expect(staleChecksums(folder, old)).toEqual([]);
      takeBack(folder); // the next run starts here
      if (existsSync(filePathOf(partial))) finish(partial, bytes);
      expect(readByName(folder)).toBe(next.content);
      expect(await readStrictly(folder)).toBe(next.content);
      const left = readdirSync(folder).filter((name) => name.endsWith(".partial") || /sha256|gostsum/.test(name));
      expect(left).toEqual([]);
      if (isDone) return;
    }
  },
);

test("chunks that had their names when a publication was cut short are written on, with the bytes they have", () => {
  const folder = aFolder();
  const partial = put(folder, made.chunks, true);
  const running = publishing(partial, Buffer.byteLength(made.chunks.content));
  for (let step = 0; step < 3; step += 1) running.next();
  expect(readdirSync(folder).some((name) => name.endsWith(".chunk"))).toBe(true);
  takeBack(folder);
  const parts = readdirSync(folder).sort();
  expect(parts.every((name) => name.endsWith(".chunk.partial"))).toBe(true);
  expect(parts.map((name) => readFileSync(join(folder, name), "utf8")).join("")).toBe(made.chunks.content);
});

test("a finished archive that is being replaced is not taken apart", () => {
  const folder = aFolder();
  put(folder, { content: "old ".repeat(1500), chunkBytes: chunkSize }, false);
  put(folder, made.chunks, true);
  const before = readdirSync(folder);
  takeBack(folder);
  expect(readdirSync(folder)).toEqual(before);
});

test.for(Object.entries(forms))("an archive of %s is removed with its checksums, and no other", ([, form]) => {
  const folder = aFolder();
  if (form) put(folder, form, false);
  const others = ["b.tar", "b.tar.sha256", "a.tar.0000.chunk.partial", "aa.tar.0000.chunk", "a.tar.txt"];
  for (const name of others) writeFileSync(join(folder, name), "other");
  removeArchive(join(folder, archive));
  expect(readdirSync(folder).sort()).toEqual([...others].sort());
});
