import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, relative } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { locateProgram } from "./locate-program.ts";

const name = process.platform === "win32" ? "helper.exe" : "helper";

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "locate-program-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function aProgramIn(folder: string): string {
  const path = join(folder, name);
  writeFileSync(path, "#!/bin/sh\n");
  chmodSync(path, 0o755);
  return path;
}

test("the first of the absolute folders of PATH that has it counts", () => {
  const [empty, first, second] = [aFolder(), aFolder(), aFolder()];
  const [path] = [aProgramIn(first), aProgramIn(second)];
  expect(locateProgram("helper", { PATH: [empty, first, second].join(delimiter) })).toBe(path);
});

test("a program is not run for lying in the folder one is in, whatever PATH says", () => {
  const here = aFolder();
  aProgramIn(here);
  const toHere = relative(process.cwd(), here);
  for (const PATH of [toHere, "", ".", `${delimiter}${toHere}${delimiter}`, undefined]) {
    expect(locateProgram("helper", { PATH })).toBeUndefined();
  }
});

test("neither a folder nor, where files have a right to run, one without it is a program", () => {
  const [folder, plain] = [aFolder(), aFolder()];
  mkdirSync(join(folder, name));
  writeFileSync(join(plain, name), "");
  const PATH = process.platform === "win32" ? folder : [folder, plain].join(delimiter);
  expect(locateProgram("helper", { PATH })).toBeUndefined();
});
