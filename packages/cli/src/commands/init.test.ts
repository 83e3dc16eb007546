import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runProgram } from "../../../../tests/support/run-program.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { configTemplate } from "../config/config-template.ts";

const inPackages = "./node_modules/@tranship/cli/schema/config.schema.json";

/** The schema that the first line of a configuration leads to. */
function schemaOf(text: string): string {
  return /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? "";
}

test("it writes a configuration whose schema is where it says, and the program takes it", async () => {
  const file = join(tempFolder(), "tranship.yaml");
  const { code, stdout } = await runProgram("init", file, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ type: "report", command: "init", file });
  const text = readFileSync(file, "utf8");
  expect(text).toBe(configTemplate(schemaOf(text)));
  expect(JSON.parse(readFileSync(fileURLToPath(schemaOf(text)), "utf8"))).toHaveProperty("properties.source");
  expect((await runProgram("verify", "--config", file)).stderr).toContain("bundle: there is no such file or folder");
});

test("where the folder has the program among its packages, the schema is found there on every machine", async () => {
  const folder = tempFolder();
  mkdirSync(dirname(join(folder, inPackages)), { recursive: true });
  writeFileSync(join(folder, inPackages), "{}");
  const { stdout } = await runProgram("init", join(folder, "tranship.yaml"), "--print");
  expect(stdout).toBe(configTemplate(inPackages));
});

test("a file that is there stays, unless it is told otherwise; printed, nothing is written", async () => {
  const file = join(tempFolder(), "tranship.yaml");
  writeFileSync(file, "bundle: mine\n");
  expect(await runProgram("init", file)).toMatchObject({ code: 2, stderr: expect.stringContaining("--force") });
  expect(await runProgram("init", file, "--print")).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toBe("bundle: mine\n");
  expect(await runProgram("init", file, "--force")).toMatchObject({ code: 0 });
  expect(readFileSync(file, "utf8")).toContain("version: 1");
  const nowhere = join(file, "x");
  expect(await runProgram("init", nowhere)).toMatchObject({ code: 2, stderr: expect.stringContaining("cannot write") });
});
