import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Bundle, isMirrorError, lockFileName, type MirrorEvent, parseLockFile, verifyBundle } from "@tranship/core";
import { faults } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto } from "../support/mirror.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** The chunks of every archive of a folder, put together. */
function joined(folder: string): Record<string, Buffer> {
  const byArchive = new Map<string, Buffer[]>();
  for (const name of readdirSync(folder).sort()) {
    const [, archive] = /^(.+\.tar)\.[0-9]{4,}\.chunk$/.exec(name) ?? [];
    if (archive === undefined) continue;
    byArchive.set(archive, [...(byArchive.get(archive) ?? []), readFileSync(join(folder, name))]);
  }
  return Object.fromEntries([...byArchive].map(([archive, parts]) => [archive, Buffer.concat(parts)]));
}

function wholes(folder: string): Record<string, Buffer> {
  return Object.fromEntries(Object.keys(digests(folder)).map((name) => [name, readFileSync(join(folder, name))]));
}

const isBlob = ({ path }: { readonly path: string }) => path.includes("/blobs/");
const readLock = (folder: string) => parseLockFile(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);

describe("a pull in chunks", () => {
  test.for([512, 1_003, 65_536, 3 * 1024 * 1024])(
    "of %i bytes writes exactly the archives of one without, cut at that size, and says so in the lock",
    async (chunkBytes) => {
      await using registry = await aSource();
      const [whole, chunked] = [tempFolder(), tempFolder()];
      await pullInto(whole, registry.host);
      await pullInto(chunked, registry.host, [], { chunkBytes });
      expect(joined(chunked)).toEqual(wholes(whole));
      const lock = readLock(chunked);
      for (const { archive, bytes, chunks = [] } of lock.files) {
        expect(chunks.map(({ file }) => file)).toEqual(
          readdirSync(chunked)
            .filter((name) => name.startsWith(archive))
            .sort((a, b) => a.length - b.length || (a < b ? -1 : 1)),
        );
        const sizes = chunks.map(({ file }) => readFileSync(join(chunked, file)).byteLength);
        expect(sizes).toEqual(chunks.map((chunk) => chunk.bytes));
        expect(sizes.slice(0, -1).every((size) => size === chunkBytes)).toBe(true);
        expect(sizes.at(-1)).toBe(bytes - (sizes.length - 1) * chunkBytes);
      }
      await using bundle = await Bundle.open(chunked);
      expect((await verifyBundle(bundle)).findings).toEqual([]);
    },
  );

  test("goes on inside a blob after a failure, and asks for nothing that a chunk holds already", async () => {
    await using registry = await aSource();
    const [whole, folder] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    const blobs = registry.requests().filter(isBlob).length;
    registry.reset();
    registry.fail(faults.cutAfter(700), { match: (request) => isBlob(request) && request.range === undefined });
    registry.fail(faults.status(500), { match: isBlob }); // when they are continued
    await expect(pullInto(folder, registry.host, [], { chunkBytes: 1_003 })).rejects.toSatisfy((error) =>
      isMirrorError(error, "TRANSFER_FAILED"),
    );
    registry.reset();
    const report = await pullInto(folder, registry.host, [], { chunkBytes: 1_003 });
    expect(joined(folder)).toEqual(wholes(whole));
    expect(report.kept.bytes).toBeGreaterThan(0);
    expect(registry.requests().some(({ status }) => status === 206)).toBe(true);
    expect(registry.requests().filter(isBlob).length).toBeLessThanOrEqual(blobs);
  });

  test("over a bundle in another form fetches no blob and leaves nothing of the old form; the same form is unchanged", async () => {
    await using registry = await aSource();
    const [folder, whole] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    for (const chunkBytes of [undefined, 1_003, 65_536, 512, undefined, 1024 * 1024]) {
      await pullInto(folder, registry.host, [], { chunkBytes });
      registry.reset();
      const again = await pullInto(folder, registry.host, [], { chunkBytes });
      expect(again.archives.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "unchanged"]);
      expect(again.fetched).toEqual({ blobs: 0, bytes: 0 });
      expect(chunkBytes === undefined ? wholes(folder) : joined(folder)).toEqual(wholes(whole));
      expect(chunkBytes === undefined ? joined(folder) : wholes(folder)).toEqual({});
      expect(readdirSync(folder).filter((name) => name.endsWith(".partial"))).toEqual([]);
    }
  });

  test("that was interrupted and is run again in another size takes the bytes it has", async () => {
    await using registry = await aSource();
    const [folder, whole] = [tempFolder(), tempFolder()];
    await pullInto(whole, registry.host);
    const fetched: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "blob.finished") fetched.push(event.digest);
      if (event.type === "blob.finished" && fetched.length === 12) registry.fail(faults.status(500));
    };
    await expect(pullInto(folder, registry.host, [], { chunkBytes: 1_003, onEvent })).rejects.toThrow();
    registry.reset();
    const first = new Set(fetched.splice(0));
    await pullInto(folder, registry.host, [], {
      chunkBytes: 512,
      onEvent: (event) => event.type === "blob.finished" && fetched.push(event.digest),
    });
    expect(fetched.filter((digest) => first.has(digest))).toEqual([]);
    expect(joined(folder)).toEqual(wholes(whole));
  });

  test("replaces a chunk that is damaged when it starts anew, from what is here", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, [], { chunkBytes: 65_536 });
    const before = joined(folder);
    const chunk = join(folder, "package-console.tar.0000.chunk");
    const bytes = readFileSync(chunk);
    bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1;
    writeFileSync(chunk, bytes);
    const report = await pullInto(folder, registry.host, [], { chunkBytes: 65_536, restart: true });
    expect(joined(folder)).toEqual(before);
    expect(report.fetched.blobs).toBeLessThanOrEqual(1);
  });

  test("smaller than a block is refused", async () => {
    await using registry = await aSource();
    for (const chunkBytes of [511, 0, -1, 1000.5]) {
      await expect(pullInto(tempFolder(), registry.host, [], { chunkBytes })).rejects.toThrow(RangeError);
    }
  });
});
