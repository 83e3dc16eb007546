import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { ConfigError, faultLines } from "./config-error.ts";
import { maxConfigBytes, parseConfig, readConfig } from "./read-config.ts";

/** What is told of a text that cannot be used, line by line. */
function faultsOf(text: string): readonly string[] {
  try {
    parseConfig(text, "tranship.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return faultLines(error);
    throw error;
  }
  throw new Error("it was taken");
}

describe("what cannot be used is told with its line, its column and its key", () => {
  test.for([
    [
      "a misspelt key",
      "bundle: b\nsoruce: a.b/c\n",
      "2:1: soruce: there is no such key here; did you mean source? All",
    ],
    [
      "a key as a flag has it",
      "pull:\n  chunk-size: 4GB\n",
      "2:3: pull.chunk-size: *did you mean chunkSize? Allowed: chunkSize, ch",
    ],
    [
      "a key of a section at the top",
      "chunkSize: 4GB\n",
      "1:1: chunkSize: *it stands under pull. Allowed: version, source",
    ],
    [
      "a key of the top in a section",
      "pull:\n  source: a.b/c\n",
      "2:3: pull.source: *it stands at the top of the file",
    ],
    [
      "a key of an image",
      "images:\n  include:\n  - { repository: a, rnage: ^1 }\n",
      "3:22: images.include[0].rnage: *did you mean range?",
    ],
    [
      "a version that would lose a digit",
      "images: { include: [{ repository: a, tags: [3.20] }] }",
      "1:45: *tags[0]: it has to be text: put it in quotes",
    ],
    ["a word in place of a truth", "packages:\n  enabled: yes\n", "2:12: packages.enabled: it has to be true or false"],
    ["nothing", "bundle:\n", "1:8: bundle: there is nothing here, and it has to be text"],
    ["another version", "version: 2\n", "1:10: version: this tranship reads version 1"],
    [
      "a word that is none of some",
      "referrers: all-but-vxe\n",
      "1:12: referrers: it has to be none or *did you mean all-but-vex?",
    ],
    ["a size", "pull: { chunkSize: 4XB }\n", "1:20: pull.chunkSize: 4XB: write it as a number of bytes"],
    ["a duration", "connection: { timeout: soon }\n", "1:24: connection.timeout: write it as a duration"],
    ["a number out of range", "connection: { downloads: 0 }\n", "1:26: connection.downloads: it has to be at least 1"],
    [
      "a source without a path",
      "source: registry.example.com\n",
      "1:9: source: registry.example.com is missing the repo",
    ],
    ["a target that is a bundle", "target: bundle:x\n", "1:9: target: only a pull writes a bundle"],
    ["an expression", "packages:\n  include:\n    - a@@\n", '3:7: packages.include[0]: cannot read "a@@"'],
    [
      "an expression in parts",
      "images: { include: [{ repository: x, tags: [v1], latest: 2 }] }",
      "1:21: *include[0]: cannot read",
    ],
    [
      "two that exclude each other",
      "modules: { include: [a], exclude: [b] }",
      "1:35: modules.exclude: include and exclude exclude",
    ],
    [
      "one without the other",
      "registries: { a.b: { clientKey: k.pem } }",
      '1:33: registries["a.b"].clientKey: clientCert and clientKey',
    ],
    ["what needs another", "images: { prefix: third-party }", "1:19: images.prefix: it needs include beside it"],
    [
      "a registry with a path",
      "registries: { a.b/c: { insecure: true } }",
      '1:15: registries["a.b/c"]: a registry is named by its host',
    ],
    [
      "a list in place of a section",
      "images: [a]",
      "1:9: images: it has to be keys and values: include, exclude, host",
    ],
    ["a list at the top", "- a\n", "1:1: it has to be keys and values"],
    ["a key twice", "bundle: a\nbundle: b\n", "2:1: the key bundle is here twice"],
    ["a tag", "bundle: !secret a\n", "1:9: *!secret"],
    ["a tag of YAML's own", "bundle: !!binary aGk=\n", "1:* tags such as tag:yaml.org,2002:binary mean nothing here"],
    ["a key that is no text", "? [a]\n: 1\n", "1:3: a key is plain text"],
    ["a second document", "bundle: a\n---\nbundle: b\n", "2:1: a second document begins here"],
    ["broken syntax", "packages: [a\nbundle: b\n", "2:*"],
    ["an alias of nothing", "bundle: *b\n", "1:9: nothing before it is called &b"],
    [
      "a bomb",
      `a: &a [${"x,".repeat(9)}x]\nb: &b [${"*a,".repeat(9)}*a]\nc: [${"*b,".repeat(99)}*b]\n`,
      "1:1: its aliases stand for too much",
    ],
    ["a name that objects have", "__proto__: { x: 1 }\n", "1:1: __proto__: there is no such key here"],
  ] as const)("%s", ([_name, text, expected]) => {
    const pattern = `tranship.yaml:${expected}`
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*");
    expect(faultsOf(text)[0]).toMatch(new RegExp(`^${pattern}`));
  });

  test("all of them are told, in the order of the file, and no more than ten", () => {
    const text = Array.from({ length: 13 }, (_, at) => `wrong${at}: 1\n`).join("");
    const faults = faultsOf(text);
    expect(faults).toHaveLength(11);
    expect(faults[9]).toMatch(/^tranship\.yaml:10:1: wrong9: /);
    expect(faults[10]).toBe("tranship.yaml: and 3 more");
  });

  test("deep nesting ends in an error, not in the end of the program", () => {
    const nested = `bundle: ${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    expect(faultsOf(nested)[0]).toMatch(/^tranship\.yaml:1:\d+: it is nested too deeply$/);
  });

  test.for(["registries: { __proto__: { insecure: true } }", "mirrors: { __proto__: a.b/c }"])("%s", (text) => {
    expect(faultsOf(text)[0]).toContain("__proto__: there is no such key here");
  });
});

describe("a password in the file is refused, and not repeated", () => {
  test.for([
    ["of a registry", "registries:\n  a.b:\n    password: hunter2\n", "3:5"],
    ["in place of where it is", "registries:\n  a.b:\n    credentials: { username: x, password: hunter2 }\n", "3:18"],
    ["as one text", "registries:\n  a.b:\n    credentials: hunter2\n", "3:18"],
    ["of the source", "sourcePassword: hunter2\n", "1:1"],
    ["in a host's name", "registries:\n  me:hunter2@a.b: { insecure: true }\n", "2:3"],
    ["of a proxy", "connection: { proxy: http://me:hunter2@proxy.internal:3128 }\n", "1:22"],
    ["in place of a variable", "registries:\n  a.b:\n    credentials: { env: { license: hunter-2 } }\n", "3:36"],
  ] as const)("%s", ([_name, text, at]) => {
    const faults = faultsOf(text);
    expect(faults[0]).toMatch(new RegExp(`^tranship\\.yaml:${at}: `));
    expect(faults.join("\n")).not.toMatch(/hunter/);
  });

  test("the refusal says how it is done", () => {
    expect(faultsOf("registries: { a.b: { password: x } }")[0]).toContain("credentials: { env: { username: VARIABLE");
  });
});

test("very many aliases are refused at once, and what is quoted of the file is short and steers no terminal", {
  timeout: 10_000,
}, () => {
  for (const text of [
    `[${"*a,".repeat(40_000)}]`,
    `a: &a 1\nb: [${"*a,".repeat(40_000)}]`,
    "- &a [*a]\n".repeat(20_000),
  ]) {
    expect(faultsOf(text)[0]).toContain("it has more than 200 aliases");
  }
  expect(faultsOf(`{}${"]y".repeat(10_000)}`)[0]?.length).toBeLessThan(1100);
  expect(faultsOf("\u007f: 1\n")[0]).not.toContain("\u007f");
});

test("tens of thousands of faults are placed at once, also where an alias leads to them", { timeout: 10_000 }, () => {
  const keys = Array.from({ length: 12_000 }, (_, at) => `k${at}: 1`);
  expect(faultsOf(keys.join("\n"))[10]).toContain("11990 more");
  const faults = faultsOf(`registries:\n  a.b: &a\n    ${keys.join("\n    ")}\n  c.d: *a`);
  expect(faults[0]).toMatch(/^tranship.yaml:3:5: registries/);
});

test("a file of more words and signs than are read is refused before much is made of it", () => {
  const many = "it has more than 400000 words and signs";
  expect(faultsOf("{}\n".repeat(300_000))).toEqual([expect.stringContaining(many)]);
  expect(faultsOf(`version: 1 #${"x".repeat(900_000)}\nimages: y`)[0]).not.toContain(many);
});

test("aliases, comments and nothing at all are fine", () => {
  expect(parseConfig("# nothing\n", "x")).toEqual({});
  const text = "packages: { exclude: &names [a, b] } # these\nmodules: { exclude: *names }\n";
  expect(parseConfig(text, "x")).toEqual({ packages: { exclude: ["a", "b"] }, modules: { exclude: ["a", "b"] } });
});

test("a file that is too long, no text or not there is refused before it is read", async () => {
  const folder = tempFolder();
  const [long, binary] = [join(folder, "long"), join(folder, "binary")];
  writeFileSync(long, "#".repeat(maxConfigBytes + 1));
  writeFileSync(binary, Buffer.from([0x62, 0xff, 0xfe]));
  await expect(readConfig(long)).rejects.toThrow(/longer than 1048576 bytes/);
  await expect(readConfig(binary)).rejects.toThrow(/not text in UTF-8/);
  await expect(readConfig(join(folder, "none"))).rejects.toThrow(/ENOENT/);
});
