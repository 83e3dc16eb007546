import { Command } from "commander";
import { expect, test } from "vitest";
import type { Output } from "./print/output.ts";
import { warnOfVisibleSecret } from "./visible-secret.ts";

test.for<[words: readonly string[], flag: string | undefined]>([
  [["--license", "token"], "--license in its list of processes: give it in the variable TRANSHIP_LICENSE_TOKEN"],
  [["--proxy", "http://me:hunter2@proxy.internal:3128"], "--proxy"],
  [["--proxy", "http://proxy.internal:3128"], undefined],
  [[], undefined],
])("%j: others can see the value of %s", ([words, flag]) => {
  const told: unknown[] = [];
  const output = { event: (event: unknown) => told.push(event) } as unknown as Output;
  const command = new Command().option("--license <token>").option("--proxy <url>").parse(words, { from: "user" });
  warnOfVisibleSecret(command, output);
  const message = expect.stringContaining(`the value of ${flag}`);
  expect(told).toEqual(flag === undefined ? [] : [expect.objectContaining({ code: "SECRET_VISIBLE", message })]);
  expect(JSON.stringify(told)).not.toContain("hunter2");
});
