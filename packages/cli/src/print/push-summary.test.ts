import type { PushReport } from "@tranship/core";
import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import { pushSummary, stoppedSummary } from "./push-summary.ts";
import { PushTally } from "./push-tally.ts";

const report: PushReport = {
  images: { written: 8, present: 2, replaced: 1, kept: 3 },
  discovery: { written: 2, present: 1 },
  referrers: { written: 4, present: 0, kept: 1 },
  blobs: { written: 12, mounted: 3, present: 5 },
  bytes: { uploaded: 2048, mounted: 1024, present: 512, manifests: 100 },
  repositories: [],
  packages: ["alb", "console"],
  modules: ["net"],
  metadataOnly: ["packages/other"],
};

test("the summary of a push has every count", () => {
  const moved = [{ root: "modules", path: "my/mods" }];
  const text = pushSummary(report, { target: "host/fe", isDryRun: false, moved, withoutTag: 2, elapsedMs: 2000 });
  expect(text.split("\n").map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
    "pushed to host/fe",
    "  tags  8 written, 1 replaced, 2 there already, 3 left as they are",
    "  discovery tags  2 written, 1 there already",
    "  referrers  4 written, 0 there already, 1 left out with what they are about",
    "  blobs  12 sent (2.0 KiB), 3 mounted (1.0 KiB), 5 there already (512 B)",
    "  manifests  100 B sent",
    "  packages  2",
    "  modules  1 at my/mods, not modules",
    "  metadata only  1, not announced",
    "  not pushed  2 images without a tag",
    "took 2s, 1.0 KiB/s on average",
  ]);
});

test("the summary of a push of images alone says nothing of catalogs", () => {
  const images = { ...report, discovery: { written: 0, present: 0 }, packages: [], modules: [], metadataOnly: [] };
  const text = pushSummary(images, { target: "host", isDryRun: false, moved: [], withoutTag: 0, elapsedMs: 1 });
  expect(text).not.toMatch(/discovery|packages|modules/);
  expect(text).toContain("12 sent");
});

test("a push that found nothing to bring does not say that the target has it", () => {
  const none = {
    ...report,
    images: { written: 0, present: 0, replaced: 0, kept: 0 },
    discovery: { written: 0, present: 0 },
    referrers: { written: 0, present: 0, kept: 0 },
    blobs: { written: 0, mounted: 0, present: 0 },
  };
  const options = { target: "host", isDryRun: false, moved: [], withoutTag: 0, elapsedMs: 1 };
  expect(pushSummary(none, options)).toContain("\nthere was nothing to bring\n");
  const again = { ...none, images: { ...none.images, present: 2 } };
  expect(pushSummary(again, options)).toContain("nothing has changed: host has all of it");
});

test("the summary of a dry run says what a mount may still become", () => {
  const text = pushSummary(report, { target: "host/fe", isDryRun: true, moved: [], withoutTag: 0, elapsedMs: 1 });
  expect(text).toMatch(/^would push to host\/fe\n/);
  expect(text).toContain("a registry may refuse a mount");
  expect(text).toMatch(/\ntook 1ms$/); // nothing was sent, at no rate
});

test("a push that ends early is summed up from what it told", () => {
  const tally = new PushTally();
  const about = { side: "target", repository: "app", digest: digestOf(new Uint8Array()), size: 2048 } as const;
  expect(tally.hasWritten).toBe(false);
  tally.event({ type: "blob.finished", ...about, fetchedBytes: 2048, elapsedMs: 1 });
  tally.event({ type: "blob.skipped", ...about, reason: "mounted" });
  tally.event({ type: "blob.skipped", ...about, reason: "present" });
  tally.event({
    type: "image.finished",
    side: "target",
    reference: "app:v1",
    digest: about.digest,
    outcome: "written",
  });
  tally.event({ type: "warning.raised", code: "TAG_ABSENT", message: "" });
  expect([tally.hasWritten, tally.withoutTag]).toEqual([true, 1]);
  expect(stoppedSummary(tally.stopped("cancelled", 830), "host/fe")).toBe(
    "push to host/fe cancelled; what it had done by then: 1 tag written, 1 blob sent (2.0 KiB), 1 mounted; run again, it sends the rest\ntook 830ms",
  );
});
