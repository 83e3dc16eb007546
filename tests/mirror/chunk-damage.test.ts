import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bundle, isMirrorError, pushBundle, verify, verifyBundle } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import { seededRandom } from "../support/random.ts";
import { tempFolder } from "../support/temp-folder.ts";

const include = ["alb@=v1.0.3"];
const chunkBytes = 9_973;

let bundle: string;
let chunks: readonly string[];

beforeAll(async () => {
  bundle = mkdtempSync(join(tmpdir(), "tranship-chunks-"));
  await using registry = await aSource();
  await pullInto(bundle, registry.host, include, { chunkBytes });
  chunks = readdirSync(bundle)
    .filter((name) => name.endsWith(".chunk"))
    .sort();
});

/**
 * Damages a copy of the bundle, and gives what a verification and a push say of it. A push that does not refuse it has
 * taken a right copy in place of the damaged one: then all it brought is right.
 */
async function judge(damage: (copy: string) => void): Promise<{ readonly found: string; readonly refused: string }> {
  const copy = tempFolder();
  cpSync(bundle, copy, { recursive: true });
  damage(copy);
  await using registry = await startTestRegistry();
  await using target = createRegistry(`${registry.host}/mirror`, { retryDelayMs: 1 });
  const refusal = await messageOf(async () => {
    await using opened = await Bundle.open(copy);
    await pushBundle(opened, target);
  });
  if (refusal === "") expect(await verify(target, readPlan(bundle))).toMatchObject({ ok: true });
  else expect(registry.requests().filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  const found = await messageOf(async () => {
    await using opened = await Bundle.open(copy);
    const { findings } = await verifyBundle(opened);
    const [first] = findings;
    if (first) throw new Error(findings.map(({ message, files = [] }) => `${message} ${files.join(" ")}`).join("\n"));
  });
  rmSync(copy, { recursive: true });
  return { found, refused: refusal };
}

async function messageOf(action: () => Promise<void>): Promise<string> {
  try {
    await action();
    return "";
  } catch (error) {
    if (error instanceof Error)
      return isMirrorError(error) ? `${error.message} ${JSON.stringify(error.details)}` : error.message;
    throw error;
  }
}

function flipBit(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
  writeFileSync(path, bytes);
}

const archiveOf = (chunk: string) => chunk.replace(/\.[0-9]+\.chunk$/, "");

afterAll(() => rmSync(bundle, { recursive: true, force: true }));

describe("in a bundle of many chunks", () => {
  test("there are some of every kind", () => {
    expect(chunks.length).toBeGreaterThan(8);
    expect(new Set(chunks.map(archiveOf))).toEqual(new Set(["package-alb.tar", "package-versions.tar"]));
  });

  test("any one that is missing is caught by a push before it writes, and by a verification", async () => {
    for (const chunk of chunks) {
      const { found, refused } = await judge((copy) => rmSync(join(copy, chunk)));
      for (const text of [found, refused]) expect(text).toContain(archiveOf(chunk));
    }
  });

  test("any one that is cut short is caught", async () => {
    for (const chunk of chunks) {
      const { found, refused } = await judge((copy) =>
        truncateSync(join(copy, chunk), readFileSync(join(copy, chunk)).byteLength - 1),
      );
      for (const text of [found, refused]) expect(text).toContain(archiveOf(chunk));
    }
  });

  test("any two that changed places are caught", async () => {
    for (const [at, chunk] of chunks.entries()) {
      const other = chunks[at + 1];
      if (other === undefined || archiveOf(other) !== archiveOf(chunk)) continue;
      const { found, refused } = await judge((copy) => {
        copyFileSync(join(copy, chunk), join(copy, "aside"));
        renameSync(join(copy, other), join(copy, chunk));
        renameSync(join(copy, "aside"), join(copy, other));
      });
      for (const text of [found, refused]) expect(text).toContain(archiveOf(chunk));
    }
  });

  test("any bit that flips is caught, and its chunk is named", async () => {
    const random = seededRandom(20261121);
    for (const chunk of chunks) {
      const { byteLength } = readFileSync(join(bundle, chunk));
      for (let times = 0; times < 3; times += 1) {
        const at = Math.floor(random() * byteLength);
        const { found, refused } = await judge((copy) => flipBit(join(copy, chunk), at, Math.floor(random() * 8)));
        expect([chunk, at, found]).toEqual([chunk, at, expect.stringContaining(chunk)]);
        if (refused === "") expect(found).toMatch(/blobs.sha256/);
        else expect(refused).toContain(archiveOf(chunk));
      }
    }
  });
});
