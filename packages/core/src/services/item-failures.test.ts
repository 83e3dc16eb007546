import { RegistryError } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { MirrorError } from "../errors.ts";
import type { MirrorEvent } from "../events.ts";
import { ItemFailures } from "./item-failures.ts";

function aRun(hasAnswered = false) {
  const events: MirrorEvent[] = [];
  const stop = new AbortController();
  const run = { stop, source: { hasAnswered } } as ConstructorParameters<typeof ItemFailures>[0];
  return { run, stop, events, context: { emit: (event: MirrorEvent) => void events.push(event) } };
}

const anItem = (name: string) => ({ component: "packages", name, archive: `package-${name}.tar` });

function refusal(code: "UNAUTHORIZED" | "FORBIDDEN" = "UNAUTHORIZED") {
  const details = { side: "source", reference: "h/r:v1", failure: "denied", code } as const;
  return new MirrorError("TRANSFER_FAILED", "cannot read h/r:v1: no", details);
}

describe("a failure", () => {
  const path = "/bundle";
  const local = { side: "source", reference: "h/r", failure: "local", code: "CREDENTIALS_UNUSABLE" } as const;

  test.for([
    { name: "a full disk", error: new MirrorError("NO_SPACE", "full", { path, freeBytes: 0 }) },
    { name: "a disk that does not write", error: new MirrorError("FILE_FAILED", "EIO", { path, reason: "EIO" }) },
    { name: "a bundle that is in use", error: new MirrorError("BUNDLE_LOCKED", "busy", { bundle: path }) },
    { name: "credentials that cannot be read", error: new MirrorError("TRANSFER_FAILED", "no helper", local) },
    { name: "a fault of the program", error: new TypeError("x is undefined") },
  ])("of $name ends the run, whatever was asked", ({ error }) => {
    const { run, stop, events, context } = aRun(true);
    const failures = new ItemFailures(run, { keepGoing: true });
    failures.add(anItem("alb"), error, context);
    expect(stop.signal.reason).toBe(error);
    expect(events).toEqual([]);
  });

  test.for([
    { name: "an image that is gone", error: new MirrorError("IMAGE_NOT_FOUND", "gone", { reference: "h/r:v1" }) },
    { name: "a refusal", error: refusal() },
    { name: "an archive too large for the disk", error: new MirrorError("FILE_TOO_LARGE", "4 GiB", { path }) },
    { name: "a place that is none", error: new RegistryError("INVALID_REFERENCE", "elsewhere", { text: "h/x" }) },
  ])("of $name is its item's own, and told, when the others are to go on; else it ends the run", ({ error }) => {
    const going = aRun(true);
    const failures = new ItemFailures(going.run, { keepGoing: true });
    failures.add(anItem("alb"), error, going.context);
    expect(going.stop.signal.aborted).toBe(false);
    const failed = { component: "packages", item: "alb", archive: "package-alb.tar" };
    const expected = { ...failed, code: error.code, message: error.message };
    expect(going.events).toEqual([{ type: "item.failed", ...expected }]);
    expect(failures.finish([anItem("console"), anItem("alb")])).toEqual([expected]);

    const strict = aRun(true);
    new ItemFailures(strict.run).add(anItem("alb"), error, strict.context);
    expect(strict.stop.signal.reason).toBe(error);
    expect(strict.events).toEqual([]);
  });
});

describe("a source that refuses everything", () => {
  test("ends the run after a few items, unless it has answered anything", () => {
    for (const hasAnswered of [false, true]) {
      const { run, stop, context } = aRun(hasAnswered);
      const failures = new ItemFailures(run, { keepGoing: true });
      for (const name of ["a", "b"]) failures.add(anItem(name), refusal(), context);
      expect(stop.signal.aborted).toBe(false);
      failures.add(anItem("c"), refusal(), context);
      expect(stop.signal.aborted).toBe(!hasAnswered);
    }
  });

  test("ends it when there are no other items, and a source that forbids single items does not", () => {
    const refused = aRun();
    const error = refusal();
    const failures = new ItemFailures(refused.run, { keepGoing: true });
    failures.add(anItem("a"), error, refused.context);
    failures.finish([anItem("a")]);
    expect(refused.stop.signal.reason).toBe(error);

    const forbidden = aRun();
    const others = new ItemFailures(forbidden.run, { keepGoing: true });
    others.add(anItem("a"), refusal("FORBIDDEN"), forbidden.context);
    expect(others.finish([anItem("a")])).toHaveLength(1);
    expect(forbidden.stop.signal.aborted).toBe(false);
  });
});
