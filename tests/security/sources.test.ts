import { globSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { faultsOf } from "./source-rules.ts";

const packages = fileURLToPath(new URL("../../packages", import.meta.url));

function sources(): readonly string[] {
  return globSync("*/src/**/*.{ts,js}", { cwd: packages })
    .filter((file) => !file.endsWith(".test.ts"))
    .map((file) => file.replaceAll(sep, "/"));
}

test("no published source runs text, starts a shell, or starts programs and modules beside the places made for it", () => {
  const files = sources();
  expect(files.length).toBeGreaterThan(500);
  const faults = files.flatMap((file) => faultsOf(file, readFileSync(join(packages, file), "utf8")));
  expect(faults).toEqual([]);
});

test.for([
  ["runs text as code", "const a = eval(text);"],
  ["runs text as code", "const a = new Function(text);"],
  ["runs text as code", 'const a = Function("return 1");'],
  ["runs text as code", "new Worker(new URL(`./a.ts`, import.meta.url), { eval: true });"],
  ["runs text in a context of its own", 'import { runInThisContext } from "node:vm";'],
  ["starts programs", 'import { spawn } from "node:child_process";'],
  ["starts programs", 'const { exec } = await import("child_process");'],
  ["starts a shell", "spawn(program, args, { shell: true });"],
  ["starts a shell", 'spawn(program, args, { shell: "/bin/sh" });'],
  ["starts a shell", "spawn(program, args, { shell: isShell });"],
  ["imports what a value names", "const module = await import(name);"],
  ["imports what a value names", "const module = await import(`./parts`);"],
  ["starts a thread of what a value names", "new Worker(file);"],
  ["loads modules in another way", "const require = createRequire(import.meta.url);"],
  ["opens a debugger", 'import { open } from "node:inspector";'],
  ["reaches for a prototype", "Object.setPrototypeOf(target, other);"],
] as const)("%s is found in: %s", ([rule, source]) => {
  expect(faultsOf("core/src/any.ts", `const before = 1;\n${source}\n`)).toEqual([
    { file: "core/src/any.ts", line: 2, rule },
  ]);
});

test("what a comment speaks of is not found", () => {
  expect(faultsOf("core/src/any.ts", "/* eval(text)\n * shell: true */\ncall(); // new Function(text)\n")).toEqual([]);
});
