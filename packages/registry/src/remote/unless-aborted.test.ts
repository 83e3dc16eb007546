import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { unlessAborted } from "./unless-aborted.ts";

test.for([
  { name: "works", work: async () => 1 },
  { name: "fails", work: () => Promise.reject(new Error("no")) },
])("leaves nothing on the signal when the work $name", async ({ work }) => {
  const { signal } = new AbortController();
  await unlessAborted(work, signal).catch(() => {});
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
