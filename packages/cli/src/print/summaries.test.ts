import type { VerifyReport } from "@tranship/core";
import { expect, test } from "vitest";
import { verifySummary } from "./summaries.ts";

const report: VerifyReport = {
  ok: false,
  archives: 0,
  images: 1,
  blobs: 1,
  bytes: 0,
  assumed: { blobs: 0, bytes: 0 },
  repositories: [],
  findings: [
    { code: "TAG_MISSING", message: "the tag is not there", reference: "host/app:v1" },
    { code: "BLOB_MISSING", message: "the blob is not there", reference: "host/app@sha256:…" },
  ],
};

test.for<{ readonly name: string; readonly change: Partial<VerifyReport>; readonly isAsked: boolean }>([
  { name: "nothing is there", change: {}, isAsked: true },
  { name: "something is there", change: { bytes: 1 }, isAsked: false },
  { name: "something is wrong besides", change: { findings: [{ code: "FORBIDDEN", message: "" }] }, isAsked: false },
  { name: "nothing was looked for", change: { findings: [] }, isAsked: false },
])("a verification asks whether it is the right place: $name", ({ change, isAsked }) => {
  expect(verifySummary({ ...report, ...change }, "host", 1).includes("is this the place")).toBe(isAsked);
});
