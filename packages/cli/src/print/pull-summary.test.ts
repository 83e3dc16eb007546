import type { PullReport } from "@tranship/core";
import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import { pullSummary, stoppedPullSummary } from "./pull-summary.ts";
import { PullTally } from "./pull-tally.ts";

const none = { blobs: 0, bytes: 0 };
const about = { repository: "packages/app", digest: digestOf(new Uint8Array()) } as const;

/** A pull of one package, of modules whose catalog is not there, and of a component of which nothing matched. */
function aTally(): PullTally {
  const tally = new PullTally(["packages", "modules", "images"]);
  tally.event({
    type: "warning.raised",
    code: "NO_CATALOG",
    message: "r/modules does not exist",
    reference: "r/modules",
    component: "modules",
  });
  for (const [item, images] of [
    ["app", 4],
    ["empty", 0],
  ] as const) {
    const archive = `package-${item}.tar`;
    tally.event({ type: "item.started", component: "packages", item, archive });
    tally.event({ type: "section.planned", archive, images, bytes: images * 1024 });
  }
  tally.event({ type: "blob.progress", side: "source", ...about, bytes: 2048 });
  tally.event({ type: "blob.finished", side: "source", ...about, size: 3072, fetchedBytes: 2048, elapsedMs: 1 });
  tally.event({ type: "blob.skipped", side: "local", ...about, size: 1024, reason: "copied" });
  return tally;
}

const report: PullReport = {
  archives: [{ archive: "package-app.tar", bytes: 5120, outcome: "written" }],
  images: 4,
  blobs: 3,
  fetched: { blobs: 1, bytes: 2048 },
  copied: { blobs: 1, bytes: 1024 },
  kept: { blobs: 0, bytes: 1024 },
  assumed: none,
  missing: [],
  synced: true,
  failed: [],
};

test("a pull that removes an archive has changed something", () => {
  const tally = aTally();
  tally.event({ type: "archive.removed", archive: "package-gone.tar" });
  const same: PullReport = {
    ...report,
    archives: [{ archive: "package-app.tar", bytes: 5120, outcome: "unchanged" }],
    fetched: none,
    copied: none,
    kept: none,
  };
  const options = { directory: "b", elapsedMs: 1, unplanned: 0, files: [] };
  const text = pullSummary(same, { ...options, figures: tally.figures });
  expect(text).toMatch(/^ {2}removed +package-gone\.tar/m);
  expect(text).not.toContain("nothing has changed");
  expect(pullSummary(same, { ...options, figures: aTally().figures })).toContain("nothing has changed");
});

test("sizes stand below each other, however long names of archives are", () => {
  const archive = `image-${"long-".repeat(9)}name.tar`;
  const archives = [...report.archives, { archive, bytes: 5120, outcome: "unchanged" as const }];
  const options = { directory: "b", elapsedMs: 1, figures: aTally().figures, unplanned: 0, files: [] };
  const lines = pullSummary({ ...report, archives }, options)
    .split("\n")
    .slice(0, 3);
  expect(new Set(lines.map((line) => line.indexOf(" KiB"))).size).toBe(1);
});

test("the summary of a pull says what came of what was asked for, and where it lies", () => {
  const { figures } = aTally();
  const chunks = [1, 2].map((at) => ({ file: `package-app.tar.000${at}.chunk`, bytes: 2560 }));
  const files = [{ archive: "package-app.tar", bytes: 5120, chunkBytes: 2560, chunks, entries: [] }];
  const versions = [{ component: "packages", item: "app", versions: ["v1.10.0", "v1.9.0"], attestations: 2 }];
  const text = pullSummary(report, { directory: "b", elapsedMs: 872_000, figures, unplanned: 0, files, versions });
  expect(text.split("\n").map((line) => line.replace(/(?<=\S) {2,}/g, "  "))).toEqual([
    "  package-app.tar  5.0 KiB  written (2 chunks)",
    "  total  5.0 KiB  in 2 files",
    "  packages  1: app; 1 without anything to bring",
    "    app  (2 VEX)  v1.10.0, v1.9.0",
    "  modules  none: the source lists none",
    "  images  none matched",
    "  planned  4 images, 3 blobs, 4.0 KiB in the archives",
    "  fetched  1 blob, 2.0 KiB",
    "  copied  1 blob, 1.0 KiB from other archives on this machine",
    "  kept  0 blobs, 1.0 KiB of what was in place already",
    "pulled 4 images (3 blobs) into b: 1 archive written, 0 unchanged; 2.0 KiB fetched, 2.0 KiB found on this machine",
    "took 14m32s, 2 B/s on average",
  ]);
});

test("a pull that changed nothing says so", () => {
  const archives = [{ archive: "package-app.tar", bytes: 5120, outcome: "unchanged" }] as const;
  const same = { ...report, archives, fetched: none, copied: none, kept: none };
  const { figures } = aTally();
  const text = pullSummary(same, { directory: "b", elapsedMs: 830, figures, unplanned: 0, files: [] });
  expect(text).toMatch(
    /\nnothing has changed: 1 archive in b holds what was asked for \(4 images, 3 blobs\)\ntook 830ms$/,
  );
});

test("a pull that ends early says what it had done", () => {
  const stopped = aTally().stopped("cancelled", 2000);
  expect(stopped).toMatchObject({ finished: [], unfinished: ["package-app.tar"], planned: { images: 4, bytes: 4096 } });
  expect(stoppedPullSummary(stopped, "b")).toMatch(
    /\ncancelled: 0 archives in b are complete; .*\ntook 2s, 1\.0 KiB\/s on average$/,
  );
});
