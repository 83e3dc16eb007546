import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { uncommented } from "../../../../tests/checks/uncommented.ts";
import { configTemplate } from "./config-template.ts";
import { parseConfig } from "./read-config.ts";
import { allowedKeys } from "./schema-keys.ts";

const schema = "./node_modules/@tranship/cli/schema/config.schema.json";
const template = configTemplate(schema);

test("it can be used as it is written", () => {
  expect(Object.keys(parseConfig(template, "tranship.yaml"))).toEqual(["version", "source", "bundle", "target"]);
});

test("it shows every key there is, and all of it at once can be used", () => {
  const config = parseConfig(uncommented(template), "tranship.yaml");
  expect(Object.keys(config).toSorted()).toEqual(allowedKeys([]).toSorted());
  for (const key of ["pull", "push", "verify", "serve", "connection"] as const)
    expect(Object.keys(config[key] ?? {}).toSorted()).toEqual(allowedKeys([key]).toSorted());
});

describe("each example can be used alone", () => {
  const examples = parse(uncommented(template)) as Record<string, unknown>;
  test.for(Object.entries(examples))("%s", ([key, value]) => {
    expect(parseConfig(JSON.stringify({ [key]: value }), "tranship.yaml")).toEqual({ [key]: value });
  });
});

test("the guide shows what tranship init writes", () => {
  const guide = readFileSync(new URL("../../../../docs/guides/configuration.md", import.meta.url), "utf8");
  expect(/```yaml\n(# yaml-language-server[\s\S]*?)```/.exec(guide)?.[1]).toBe(template);
});
