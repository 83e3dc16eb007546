import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import {
  artifactBuildInProgress,
  describeArtifactBuildMarker,
  markArtifactBuildInProgress,
  markerName,
} from "./build-marker.ts";

const hour = 3600 * 1000;

function aClock() {
  const clock = { ms: Date.now(), now: () => clock.ms };
  return clock;
}

test("a build is marked with who is at it, until the marker is released, which may happen twice", async () => {
  const store = join(tempFolder(), "app");
  expect(await artifactBuildInProgress(store)).toBe(false);
  const marker = await markArtifactBuildInProgress(store);
  expect(readdirSync(store)).toContain(".cube-artifact-build-in-progress");
  const found = await describeArtifactBuildMarker(store);
  expect(found?.owner).toMatchObject({ pid: process.pid, host: hostname() });
  await marker.release();
  await marker.release();
  expect(await artifactBuildInProgress(store)).toBe(false);
  expect(existsSync(store)).toBe(false);
});

test("a second build of one artifact is refused and told who the first is", async () => {
  const store = tempFolder();
  await using _first = await markArtifactBuildInProgress(store);
  const owner = expect.stringContaining(`process ${process.pid} on ${hostname()} since `);
  const details = { id: basename(store), owner };
  await expect(markArtifactBuildInProgress(store)).rejects.toMatchObject({ code: "ARTIFACT_BUSY", details });
  expect(readdirSync(store)).toContain(markerName);
});

test("of many builds that find a dead one's marker, one goes on", async () => {
  const store = tempFolder();
  writeFileSync(join(store, markerName), "");
  utimesSync(join(store, markerName), 0, 0);
  const tried = await Promise.allSettled(Array.from({ length: 8 }, () => markArtifactBuildInProgress(store)));
  expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const one of tried) if (one.status === "fulfilled") await one.value.release();
  expect(readdirSync(store)).toEqual([]);
});

test.for([
  { name: "fresh", text: JSON.stringify({ pid: 1, started: "2026-01-01" }), ageMs: 0, isBusy: true },
  { name: "fresh, corrupt", text: "{", ageMs: 0, isBusy: true },
  { name: "empty", text: "", ageMs: 0, isBusy: true },
  { name: "larger than any", text: " ".repeat(5000), ageMs: 0, isBusy: true },
  { name: "nearly two hours old", text: "{", ageMs: 2 * hour - 1, isBusy: true },
  { name: "two hours old", text: "{", ageMs: 2 * hour, isBusy: false },
  { name: "of tomorrow, by another clock", text: "{", ageMs: -24 * hour, isBusy: true },
])("a marker that is $name counts: $isBusy", async ({ text, ageMs, isBusy }) => {
  const store = tempFolder();
  const clock = { ms: 1_800_000_000_000 };
  writeFileSync(join(store, markerName), text);
  utimesSync(join(store, markerName), clock.ms / 1000, clock.ms / 1000);
  clock.ms += ageMs;
  expect(await artifactBuildInProgress(store, { now: () => clock.ms })).toBe(isBusy);
});

test("a slow build that refreshes its marker stays alive, and one that does not is replaced", async () => {
  const store = tempFolder();
  const clock = aClock();
  const slow = await markArtifactBuildInProgress(store, clock);
  clock.ms += 1.9 * hour;
  await slow.refresh();
  clock.ms += 1.9 * hour;
  expect(await artifactBuildInProgress(store, clock)).toBe(true);
  clock.ms += 0.2 * hour;
  const next = await markArtifactBuildInProgress(store, clock);
  await slow.refresh();
  await slow.release(); // it is another build's by now
  expect(await artifactBuildInProgress(store, clock)).toBe(true);
  clock.ms += 1.95 * hour;
  expect(await artifactBuildInProgress(store, clock)).toBe(true);
  clock.ms += 0.1 * hour;
  expect(await artifactBuildInProgress(store, clock)).toBe(false); // the first one's refresh was not for it
  await next.release();
});

test.skipIf(process.platform !== "linux")(
  "a marker whose process is gone from this machine counts no more",
  async () => {
    const store = tempFolder();
    const marker = await markArtifactBuildInProgress(store);
    const path = join(store, markerName);
    const owner = JSON.parse(readFileSync(path, "utf8"));
    const { pid } = spawnSync("true");
    writeFileSync(path, JSON.stringify({ ...owner, pid }));
    expect(await artifactBuildInProgress(store)).toBe(false);
    writeFileSync(path, JSON.stringify({ ...owner, pid, kernel: "another" }));
    expect(await artifactBuildInProgress(store)).toBe(true);
    await marker.release();
  },
);

test("without a folder nothing is marked", async () => {
  const marker = await markArtifactBuildInProgress("");
  expect(await artifactBuildInProgress("")).toBe(false);
  await marker.release();
});

test("a folder that cannot be made, and an abort, are told as they are", async () => {
  const file = join(tempFolder(), "file");
  writeFileSync(file, "");
  await expect(markArtifactBuildInProgress(join(file, "app"))).rejects.toMatchObject({ code: "FILE_FAILED" });
  expect(await artifactBuildInProgress(join(file, "app"))).toBe(false);
});
