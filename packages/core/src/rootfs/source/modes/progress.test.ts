import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type PullCounts, type PullProgress, PullProgressTracker } from "../../progress/pull-progress.ts";
import { BlobCounts } from "./blob-counts.ts";
import { DockerCliProgress, DockerEngineProgress } from "./docker-progress.ts";
import { parseHumanSize } from "./human-size.ts";
import { LineSplitter } from "./line-splitter.ts";
import { SkopeoProgress } from "./skopeo-progress.ts";

function percentOf(counts: PullCounts | undefined): number | undefined {
  const told: PullProgress[] = [];
  if (counts) new PullProgressTracker((progress) => told.push(progress)).tell(counts);
  return told[0]?.percent;
}

test.for([
  ["512B", 512],
  ["5.0MiB", 5_242_880],
  ["1.5GiB", 1_610_612_736],
  ["2 MB", 2_000_000],
  ["  10KiB ", 10_240],
  ["3TiB", 3 * 1024 ** 4],
  ["abc", 0],
  ["", 0],
  ["-1B", 0],
  ["12", 0],
] as const)("%j is %i bytes", ([text, expected]) => {
  expect(parseHumanSize(text)).toBe(expected);
});

describe("what skopeo prints", () => {
  test("the total that the manifest says holds until the blobs' own sizes exceed it", () => {
    const progress = new SkopeoProgress(100 * 1024 ** 2);
    expect(progress.takeLine("Copying blob aaaaaaaaaaaa [=>--] 1.0MiB / 60.0MiB")).toMatchObject({
      totalBytes: 100 * 1024 ** 2,
      downloadedBytes: 1024 ** 2,
      totalLayers: 1,
      completedLayers: 0,
    });
    expect(progress.takeLine("Copying blob bbbbbbbbbbbb [=>--] 2.0MiB / 70.0MiB")?.totalBytes).toBe(130 * 1024 ** 2);
    expect(progress.takeLine("Copying blob aaaaaaaaaaaa done  ")).toMatchObject({
      downloadedBytes: 62 * 1024 ** 2,
      totalLayers: 2,
      completedLayers: 1,
    });
  });

  test("65 of 140 bytes with one of two layers complete is 46.4 %", () => {
    const progress = new SkopeoProgress();
    progress.takeLine("Copying blob aaaaaaaaaaaa 40B / 40B");
    progress.takeLine("Copying blob aaaaaaaaaaaa done");
    const last = progress.takeLine("Copying blob bbbbbbbbbbbb 25B / 100B");
    expect(last).toEqual({ totalBytes: 140, downloadedBytes: 65, totalLayers: 2, completedLayers: 1 });
    expect(percentOf(last)).toBeCloseTo(46.43, 1);
  });

  test("without sizes, one of two layers is 50 %", () => {
    const progress = new SkopeoProgress();
    progress.takeLine("Copying blob sha256:aaaaaaaaaaaa done");
    expect(percentOf(progress.takeLine("Copying blob bbbbbbbbbbbb"))).toBe(50);
  });

  test("other lines are none of it", () => {
    expect(new SkopeoProgress().takeLine("Getting image source signatures")).toBeUndefined();
    expect(new SkopeoProgress().takeLine("Copying config 0123456789ab done")).toBeUndefined();
  });
});

describe("what docker says", () => {
  test("the client's layers are complete when unpacked or there, not when downloaded", () => {
    const progress = new DockerCliProgress();
    expect(progress.takeLine("1.27: Pulling from library/nginx")).toBeUndefined();
    expect(progress.takeLine("aaaaaaaaaaaa: Download complete")).toMatchObject({ completedLayers: 0, totalLayers: 1 });
    expect(progress.takeLine("aaaaaaaaaaaa: pull Complete")).toMatchObject({ completedLayers: 1, totalLayers: 1 });
    expect(progress.takeLine("bbbbbbbbbbbb: Already exists")).toMatchObject({ completedLayers: 2, totalBytes: 0 });
  });

  test("the daemon's bytes are kept within each layer, and unpacking takes none back", () => {
    const progress = new DockerEngineProgress();
    const event = (id: string, status: string, current?: number, total?: number) =>
      progress.takeEvent({ id, status, progressDetail: { current, total } });
    expect(event("latest", "Pulling from a/b")).toBeUndefined();
    event("aaaaaaaaaaaa", "Downloading", 150, 100);
    expect(event("bbbbbbbbbbbb", "Downloading", 10, 40)).toMatchObject({ downloadedBytes: 110, totalBytes: 140 });
    event("aaaaaaaaaaaa", "Download complete");
    expect(event("aaaaaaaaaaaa", "Extracting", 1, 900)).toMatchObject({ downloadedBytes: 110, totalBytes: 140 });
    expect(event("bbbbbbbbbbbb", "Pull complete")).toMatchObject({ downloadedBytes: 140, completedLayers: 2 });
  });

  test.for(["Pull complete", "Already exists", "Download complete", "exists", "done"])("%j completes", (status) => {
    const progress = new DockerEngineProgress();
    expect(progress.takeEvent({ id: "aaaaaaaaaaaa", status })?.completedLayers).toBe(1);
    expect(percentOf(progress.takeEvent({ id: "bbbbbbbbbbbb", status: "Waiting" }))).toBe(50);
  });
});

test("more blobs than any image has are not remembered, and hostile counts are none", () => {
  const counts = new BlobCounts();
  for (let id = 0; id < 5000; id++) counts.see(String(id));
  counts.advance("0", Number.NaN, -5);
  counts.advance("1", 5, Number.POSITIVE_INFINITY);
  expect(counts.counts()).toMatchObject({ totalLayers: 4096, totalBytes: 0, downloadedBytes: 0 });
});

describe("lines", () => {
  const split = (...chunks: string[]) => {
    const splitter = new LineSplitter();
    return [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))), ...splitter.end()];
  };

  test("are the same wherever the output is cut", () => {
    const pieces = fc.array(fc.constantFrom("a", "bc", "é", "\n", "\r", "\r\n"));
    const property = fc.property(pieces, fc.array(fc.nat(40)), (written, cuts) => {
      const text = written.join("");
      const bytes = Buffer.from(text);
      const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
      const splitter = new LineSplitter();
      const lines = ends.flatMap((end, at) => {
        const chunk = Buffer.from(bytes.subarray(ends[at - 1] ?? 0, end));
        const found = splitter.push(chunk);
        chunk.fill(0); // its owner uses it again
        return found;
      });
      expect([...lines, ...splitter.end()]).toEqual(text.split(/[\r\n]+/).filter((line) => line !== ""));
    });
    fc.assert(property, { numRuns: 50 });
  });

  test("one of 2 MiB ends the reading, and what follows is taken and let go", () => {
    expect(split("first\n", "x".repeat(2 * 1024 * 1024), "\nsecond\n")).toEqual(["first"]);
  });
});
