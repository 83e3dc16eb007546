import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDownloadList, plan } from "@tranship/core";
import { digestOf } from "@tranship/registry";
import { expect, onTestFinished, test } from "vitest";
import { readPlan } from "./base-file.ts";

test("a plan that comes through a pipe is told with its own digest", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-base-file-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const list = await plan([]);
  const text = formatDownloadList(list);
  const written = writeFile(pipe, text);
  expect(await readPlan(pipe)).toEqual({ list, digest: digestOf(new TextEncoder().encode(text)) });
  await written;
});
