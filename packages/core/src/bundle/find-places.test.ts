import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { layoutFiles, type TarFile, tarImage, writeChunks, writeTar } from "../../../../tests/support/tar-bundle.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { MirrorEvent } from "../events.ts";
import { Bundle } from "./bundle.ts";

const files = layoutFiles("app", { v1: tarImage("a") });
const chunkBytes = 4000;

let folder = "";
beforeEach(() => {
  folder = tempFolder();
});

/** A folder inside the test's. */
function subfolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

function lockIn(directory: string, archives: readonly string[]): void {
  const locked = archives.map((archive) => ({ archive, bytes: 1, entries: [] }));
  const lock = { version: 1, archives: [], missing: [], files: locked };
  writeFileSync(join(directory, "tranship.lock.json"), JSON.stringify(lock));
}

async function tagsOf(bundle: Bundle): Promise<Record<string, string | undefined>> {
  const tags: Record<string, string | undefined> = {};
  for await (const path of bundle.repositories()) {
    const repository = bundle.repository(path);
    for await (const tag of repository.tags()) tags[`${path}:${tag}`] = (await repository.resolve(tag))?.digest;
  }
  return tags;
}

describe("a bundle is opened by", () => {
  test.for<{ readonly name: string; make(): string }>([
    {
      name: "its folder",
      make() {
        writeTar(folder, "a.tar", files);
        return folder;
      },
    },
    {
      name: "an archive",
      make() {
        writeTar(folder, "a.tar", files);
        return join(folder, "a.tar");
      },
    },
    {
      name: "a relative path",
      make() {
        writeTar(folder, "a.tar", files);
        return relative(process.cwd(), join(folder, "a.tar"));
      },
    },
    {
      name: "the name of an archive of which only chunks are there",
      make() {
        writeChunks(folder, "a.tar", files, chunkBytes);
        return join(folder, "a.tar");
      },
    },
    {
      name: "its first chunk",
      make() {
        writeChunks(folder, "a.tar", files, chunkBytes);
        return join(folder, "a.tar.0000.chunk");
      },
    },
    {
      name: "any other chunk",
      make() {
        writeChunks(folder, "a.tar", files, chunkBytes);
        return join(folder, "a.tar.0002.chunk");
      },
    },
    {
      name: "a link to an archive of another name",
      make() {
        writeTar(folder, "a.tar", files);
        renameSync(join(folder, "a.tar"), join(folder, "data"));
        symlinkSync("data", join(folder, "a.tar"));
        return join(folder, "a.tar");
      },
    },
    {
      name: "links to chunks",
      make() {
        const away = subfolder("away");
        writeChunks(away, "a.tar", files, 20_000);
        for (const name of ["a.tar.0000.chunk"]) symlinkSync(join(away, name), join(folder, name));
        return join(folder, "a.tar");
      },
    },
    {
      name: "an archive of a folder whose lock misses others",
      make() {
        writeTar(folder, "a.tar", files);
        lockIn(folder, ["a.tar", "away.tar"]);
        return join(folder, "a.tar");
      },
    },
    {
      name: "a finished archive of a pull that was interrupted",
      make() {
        writeTar(folder, "a.tar", files);
        mkdirSync(join(folder, ".tranship"));
        writeFileSync(join(folder, ".tranship", "plan.ndjson"), "");
        return join(folder, "a.tar");
      },
    },
  ])("$name", async ({ make }) => {
    await using bundle = await Bundle.open(make());
    expect(bundle.archives.map(({ name }) => name)).toEqual(["a.tar"]);
    expect(bundle.locks).toEqual([]);
    expect(Object.keys(await tagsOf(bundle))).toEqual(["app:v1"]);
    await bundle.checkGraphs();
  });
});

test("what is named twice is taken once, and an archive is its folder's where that is named", async () => {
  const [one, two] = [subfolder("one"), subfolder("two")];
  writeTar(one, "a.tar", files);
  writeChunks(two, "b.tar", layoutFiles("other", { v2: tarImage("b") }), chunkBytes);
  lockIn(one, ["a.tar"]);
  const [archive, chunks] = [join(one, "a.tar"), join(two, "b.tar")];
  symlinkSync(one, join(folder, "link"));
  const places = [
    archive,
    chunks,
    one,
    `${one}/`,
    join(folder, "link"),
    `${chunks}.0001.chunk`,
    `${chunks}.0000.chunk`,
  ];
  await using bundle = await Bundle.open(places);
  expect(bundle.archives.map(({ name, directory }) => [name, directory])).toEqual([
    ["b.tar", two],
    ["a.tar", one],
  ]);
  expect(bundle.locks.map(({ directory }) => directory)).toEqual([one]);
  expect(bundle.lock).toBeUndefined(); // it does not speak for all that is open
  expect(Object.keys(await tagsOf(bundle))).toEqual(["app:v1", "other:v2"]);
});

describe("nothing is opened by", () => {
  test.for<{ readonly name: string; readonly code: string; readonly says: string; make(): string | readonly string[] }>(
    [
      { name: "no place", code: "BUNDLE_NOT_FOUND", says: "no bundle was named", make: () => [] },
      { name: "an empty folder", code: "BUNDLE_NOT_FOUND", says: "no archives", make: () => folder },
      { name: "a path that is away", code: "BUNDLE_NOT_FOUND", says: "no folder", make: () => join(folder, "away") },
      {
        name: "an archive that is away",
        code: "BUNDLE_NOT_FOUND",
        says: "there is no a.tar in",
        make: () => join(folder, "a.tar"),
      },
      {
        name: "an archive in a folder that is away",
        code: "BUNDLE_NOT_FOUND",
        says: "there is no bundle at",
        make: () => join(folder, "away", "a.tar"),
      },
      {
        name: "a file of another name",
        code: "BUNDLE_NOT_FOUND",
        says: "its name is not that of an archive",
        make() {
          writeFileSync(join(folder, "a.zip"), "");
          return join(folder, "a.zip");
        },
      },
      {
        name: "an archive in the making",
        code: "BUNDLE_UNFINISHED",
        says: "run the same pull again",
        make() {
          writeTar(folder, "a.tar.partial", files);
          return join(folder, "a.tar.partial");
        },
      },
      {
        name: "the name of an archive in the making",
        code: "BUNDLE_UNFINISHED",
        says: "run the same pull again",
        make() {
          writeTar(folder, "a.tar.partial", files);
          return join(folder, "a.tar");
        },
      },
      {
        name: "a chunk of a set with a gap",
        code: "ARCHIVE_INVALID",
        says: "chunk 0001 is missing",
        make() {
          writeChunks(folder, "a.tar", files, chunkBytes);
          rmSync(join(folder, "a.tar.0001.chunk"));
          return join(folder, "a.tar.0000.chunk");
        },
      },
      {
        name: "a chunk of a set without its first",
        code: "ARCHIVE_INVALID",
        says: "chunk 0000 is missing",
        make() {
          writeChunks(folder, "a.tar", files, chunkBytes);
          rmSync(join(folder, "a.tar.0000.chunk"));
          return join(folder, "a.tar");
        },
      },
      {
        name: "a set without its last chunk",
        code: "ARCHIVE_INVALID",
        says: "cut short",
        make() {
          writeChunks(folder, "a.tar", files, chunkBytes);
          rmSync(join(folder, "a.tar.0003.chunk"));
          return folder;
        },
      },
      {
        name: "a set with a chunk under two numbers' spellings",
        code: "ARCHIVE_INVALID",
        says: "chunk 1 is there twice",
        make() {
          writeChunks(folder, "a.tar", files, chunkBytes);
          writeFileSync(join(folder, "a.tar.00001.chunk"), readFileSync(join(folder, "a.tar.0001.chunk")));
          return folder;
        },
      },
      {
        name: "an archive that is there whole and in chunks",
        code: "ARCHIVE_INVALID",
        says: "whole and in chunks",
        make() {
          writeChunks(folder, "a.tar", files, chunkBytes);
          writeTar(folder, "a.tar", files);
          return join(folder, "a.tar");
        },
      },
      {
        name: "a folder beside one that is whole",
        code: "BUNDLE_NOT_FOUND",
        says: "no archives",
        make() {
          writeTar(folder, "a.tar", files);
          return [folder, subfolder("empty")];
        },
      },
    ],
  )("$name", async ({ make, code, says }) => {
    await expect(Bundle.open(make())).rejects.toMatchObject({ code, message: expect.stringContaining(says) });
  });
});

describe("of several places", () => {
  const [a, b, c] = [tarImage("a"), tarImage("b"), tarImage("c")];
  const place = (name: string, content: readonly TarFile[]) => {
    const path = subfolder(name);
    writeTar(path, "app.tar", content);
    return path;
  };

  test("the one named last wins a tag, whatever the names; the conflict names both archives", async () => {
    const [one, two] = [
      place("one", layoutFiles("app", { stable: b, v1: a })),
      place("two", layoutFiles("app", { stable: a, v1: a })),
    ];
    for (const [first, second, winner, loser] of [
      [one, two, a, b],
      [two, one, b, a],
    ] as const) {
      const events: MirrorEvent[] = [];
      await using bundle = await Bundle.open([first, second], { onEvent: (event) => events.push(event) });
      expect(await tagsOf(bundle)).toMatchObject({ "app:stable": winner.descriptor.digest });
      expect(bundle.archives.map(({ name, archive }) => [name, archive])).toEqual([
        [join(first, "app.tar"), "app.tar"],
        [join(second, "app.tar"), "app.tar"],
      ]);
      expect(events).toMatchObject([{ type: "warning.raised", code: "TAG_CONFLICT", reference: "app:stable" }]);
      const [warning] = events;
      const message = warning?.type === "warning.raised" ? warning.message : "";
      expect(message).toContain(`${winner.descriptor.digest} of ${join(second, "app.tar")} is used`);
      expect(message).toContain(`not ${loser.descriptor.digest}`);
    }
  });

  test("a tag that goes there and back means what the last one says", async () => {
    const places = [a, b, a].map((image, at) => place(String(at), layoutFiles("app", { stable: image })));
    await using bundle = await Bundle.open(places);
    expect(await tagsOf(bundle)).toEqual({ "app:stable": a.descriptor.digest });
  });

  test("archives of one folder that are named one by one follow the order they were named in", async () => {
    writeTar(folder, "1.tar", layoutFiles("app", { stable: a }));
    writeTar(folder, "2.tar", layoutFiles("app", { stable: b }));
    writeTar(folder, "3.tar", layoutFiles("app", { stable: c }));
    await using bundle = await Bundle.open(["3.tar", "1.tar", "2.tar"].map((name) => join(folder, name)));
    expect(await tagsOf(bundle)).toEqual({ "app:stable": b.descriptor.digest });
    expect(bundle.archives.map(({ name }) => name)).toEqual(["3.tar", "1.tar", "2.tar"]);
  });
});
