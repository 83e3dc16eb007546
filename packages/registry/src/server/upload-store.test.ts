import { expect, onTestFinished, test, vi } from "vitest";
import { UploadStore } from "./upload-store.ts";

const rules = { maxBytes: 1000, minChunkBytes: 0, expiryMs: 1000 };

test("an upload that a request works on does not run out of time", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  await using uploads = new UploadStore(rules);
  const session = await uploads.create("app");
  const work = Promise.withResolvers<void>();
  const working = session.exclusively(() => work.promise);
  vi.setSystemTime(1_005_000);
  await uploads.create("app"); // drops what is over
  expect(uploads.get("app", session.id)).toBe(session);
  work.resolve();
  await working;
  vi.setSystemTime(1_006_000);
  expect(() => uploads.get("app", session.id)).toThrow("no such upload");
});

test("of very many uploads, the one unused for longest makes room; where all are in use, none is opened", async () => {
  await using uploads = new UploadStore({ ...rules, expiryMs: 3_600_000 });
  const [used, unused] = [await uploads.create("app"), await uploads.create("app")];
  const work = Promise.withResolvers<void>();
  const working = [used.exclusively(() => work.promise)];
  unused.usedAtMs -= 1;
  const others = await Promise.all(Array.from({ length: 998 }, () => uploads.create("app")));
  others.push(await uploads.create("app"));
  expect(uploads.get("app", used.id)).toBe(used);
  expect(() => uploads.get("app", unused.id)).toThrow("no such upload");
  working.push(...others.map((session) => session.exclusively(() => work.promise)));
  await expect(uploads.create("app")).rejects.toMatchObject({ status: 429, code: "TOOMANYREQUESTS" });
  work.resolve();
  await Promise.all(working);
});
