import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, MediaType } from "@tranship/registry";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Section } from "../../plan/section.ts";
import { encodeTarHeader, tarTrailerBytes } from "../tar/tar-header.ts";
import { type ArchiveEntry, ArchiveLayout } from "./archive-layout.ts";

/** A section with these blobs in each of these repositories; the first blob doubles as the manifest of a tag. */
function aSection(repositories: readonly { path: string; contents: readonly string[] }[]): Section {
  return {
    repositories: repositories.map(({ path, contents }) => {
      const blobs = contents.map((text) => ({
        digest: digestOf(Buffer.from(text)),
        size: Buffer.byteLength(text),
        mediaType: MediaType.ociManifest,
      }));
      const images = blobs
        .slice(0, 1)
        .map((blob, index) => ({ ...blob, tag: `v${index}`, reference: `r/${path}:v${index}`, why: ["pin" as const] }));
      return { path, source: `r/${path}`, images, blobs };
    }),
  };
}

function layOut(sections: readonly Section[]): { entries: ArchiveEntry[]; size: number } {
  const layout = new ArchiveLayout();
  const blobs = sections.flatMap((section) => layout.add(section));
  const { entries, size } = layout.finish();
  return { entries: [...blobs, ...entries], size };
}

function bytesOf({ entries, size }: ReturnType<typeof layOut>, contents: ReadonlyMap<string, string>): Buffer {
  const bytes = Buffer.alloc(size);
  for (const { name, headerOffset, offset, size: length, content } of entries) {
    bytes.set(encodeTarHeader(name, length), headerOffset);
    bytes.set(content.kind === "bytes" ? content.bytes : Buffer.from(contents.get(content.blob.digest) ?? ""), offset);
  }
  return bytes;
}

const somePath = fc.constantFrom("", "packages/a", "packages/a/version", `packages/${"n".repeat(90)}/version`);
const someSection = fc.uniqueArray(
  fc.record({
    path: somePath,
    contents: fc.uniqueArray(fc.string({ unit: "grapheme-ascii", maxLength: 1500 }), { minLength: 1, maxLength: 4 }),
  }),
  {
    selector: ({ path }) => path,
    minLength: 1,
    maxLength: 3,
  },
);

test("GNU tar reads back every file of any archive, byte for byte, and finds nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-layout-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  fc.assert(
    fc.property(someSection, (repositories) => {
      const contents = new Map(
        repositories.flatMap((repository) =>
          repository.contents.map((text) => [digestOf(Buffer.from(text)) as string, text]),
        ),
      );
      const laidOut = layOut([aSection(repositories)]);
      const archive = join(folder, "a.tar");
      writeFileSync(archive, bytesOf(laidOut, contents));
      const names = execFileSync("tar", ["tf", archive], { encoding: "utf8" }).trim().split("\n");
      expect(names).toEqual(laidOut.entries.map(({ name }) => name));
      const whole = execFileSync("tar", ["xOf", archive], { encoding: "buffer" });
      const expected = laidOut.entries.map(({ content }) =>
        content.kind === "bytes" ? content.bytes : Buffer.from(contents.get(content.blob.digest) ?? ""),
      );
      expect(whole.equals(Buffer.concat(expected))).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test("the same sections make the same layout, and a later section moves nothing of an earlier one", () => {
  const first = aSection([{ path: "packages/a", contents: ["x", "y"] }]);
  const second = aSection([{ path: "packages/b", contents: ["z"] }]);
  expect(layOut([first, second])).toEqual(layOut([first, second]));
  const alone = new ArchiveLayout().add(first);
  expect(layOut([first, second]).entries.slice(0, alone.length)).toEqual(alone);
});

test("blobs are ordered by name inside a section, indexes close the archive, and the size is all there is", () => {
  const section = aSection([
    { path: "packages/b", contents: ["1", "2"] },
    { path: "packages/a", contents: ["3", "4"] },
  ]);
  const { entries, size } = layOut([section]);
  const blobs = entries.slice(0, 4).map(({ name }) => name);
  expect(blobs).toEqual([...blobs].sort());
  expect(entries.slice(4).map(({ name }) => name)).toEqual([
    "packages/a/index.json",
    "packages/a/oci-layout",
    "packages/b/index.json",
    "packages/b/oci-layout",
  ]);
  const last = entries.at(-1);
  expect(size).toBe(Math.ceil(((last?.offset ?? 0) + (last?.size ?? 0)) / 512) * 512 + tarTrailerBytes);
});

test("an index that nobody would read is refused when its images are known, not when it is written", () => {
  const layout = new ArchiveLayout();
  const [repository] = aSection([{ path: "app", contents: ["a"] }]).repositories;
  const [image] = repository?.images ?? [];
  if (!repository || !image) throw new Error("no image");
  const long = { ...image, reference: `r/${"a".repeat(20 * 1024 * 1024)}` };
  const section = { repositories: [{ ...repository, images: [long] }] };
  for (let times = 0; times < 3; times += 1) layout.add(section);
  const details = { path: "app/index.json", maxBytes: 64 * 1024 * 1024 };
  expect(() => layout.add(section)).toThrow(
    expect.objectContaining({ code: "FILE_TOO_LARGE", details: expect.objectContaining(details) }),
  );
});
