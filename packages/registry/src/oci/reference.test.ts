import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { isRegistryError } from "../errors.ts";
import { type Digest, digestOf, isDigest, parseDigest } from "./digest.ts";
import {
  formatName,
  formatReference,
  isRepositoryPath,
  isTag,
  joinPath,
  parsePlace,
  parseReference,
} from "./reference.ts";

const digest = digestOf(new TextEncoder().encode("hello"));
const refused = (error: unknown) => isRegistryError(error, "INVALID_REFERENCE");

describe("a reference", () => {
  test.for([
    { text: "h/r:v1", registry: "h", repository: "r", tag: "v1" },
    { text: "h:5000/r:v1", registry: "h:5000", repository: "r", tag: "v1" },
    { text: "h:5000/r", registry: "h:5000", repository: "r" },
    { text: `h/r@${digest}`, registry: "h", repository: "r", digest },
    { text: `h/a/b:v1@${digest}`, registry: "h", repository: "a/b", tag: "v1", digest },
    { text: "[::1]:5000/r:v1", registry: "[::1]:5000", repository: "r", tag: "v1" },
  ])("$text is read, and written the same", ({ text, ...parts }) => {
    expect(parseReference(text)).toMatchObject(parts);
    expect(formatReference(parseReference(text))).toBe(text);
  });

  test.for([
    "",
    "alpine",
    "h/",
    "h/r:",
    "h:5000",
    "h/R:v1",
    "h/r:a b",
    "h/r@sha256:abc",
    "h//r",
    "h/r/",
    "h/r/:v1",
    "h/../r",
    "https://h/r",
    "h/r:v1:v2",
    "a.6/r",
    "256.256.256.256/r",
    "[::::]/r",
    "a..b/r",
    "a-.b/r",
    "h:65536/r",
    `${"h".repeat(260)}/r`,
  ])("%j is refused", (text) => {
    expect(() => parseReference(text)).toThrow(expect.toSatisfy(refused));
  });

  test("of a million slashes is refused at once", { timeout: 5000 }, () => {
    expect(() => parseReference(`${"/".repeat(1_000_000)}x`)).toThrow(expect.toSatisfy(refused));
    expect(() => parsePlace(`h${"/".repeat(1_000_000)}x`)).toThrow(expect.toSatisfy(refused));
  });

  test("that is refused is not shown with what steers a terminal", () => {
    expect(() => parseReference("h/\u007f\u009b2J\u202er")).toThrow('not a registry and path: "h/ 2J r"');
  });

  test("of any shape is read or refused, never anything else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(formatReference(parseReference(text))).toBe(text);
        } catch (error) {
          expect(refused(error)).toBe(true);
        }
      }),
    );
  });
});

describe("a place", () => {
  test.for([
    ["localhost:5000", "localhost:5000", ""],
    ["registry.example.com/deckhouse/fe/", "registry.example.com", "deckhouse/fe"],
    ["127.0.0.1:65535/a", "127.0.0.1:65535", "a"],
  ] as const)("%s is a host and a path", ([text, host, path]) => {
    expect(parsePlace(text)).toEqual({ host, path });
  });

  test.for(["", "/a", "h:65536", "h:0x1/a", "h/a:v1", `h/a@${digest}`, "h/a?b", "-h/a"])("%j is refused", (text) => {
    expect(() => parsePlace(text)).toThrow(expect.toSatisfy(refused));
  });

  test.for([
    "https://user:s3cret@registry.example.com/x",
    "user:s3cret@registry.example.com/x",
    "registry.example.com/x?token=s3cret",
    "user:s3@cret@registry.example.com/x",
  ])("an error about %j repeats no secret", (text) => {
    try {
      parsePlace(text);
      expect.unreachable();
    } catch (error) {
      if (!isRegistryError(error, "INVALID_REFERENCE")) throw error;
      expect(`${error.message} ${JSON.stringify(error.details)}`).not.toMatch(/s3|cret/);
      expect(error.message).toContain("registry.example.com");
    }
  });
});

test.for([
  ["a", true],
  ["a/b-c/d__e.f", true],
  ["a".repeat(255), true],
  ["a".repeat(256), false],
  ["", false],
  ["A", false],
  ["a//b", false],
  ["../a", false],
  ["a/.", false],
  ["a___b", false],
] as const)("%s may be a repository path: %s", ([path, isOne]) => {
  expect(isRepositoryPath(path)).toBe(isOne);
});

test.for([
  ["v1.0.0", true],
  ["_x", true],
  ["a".repeat(128), true],
  ["a".repeat(129), false],
  ["", false],
  [".a", false],
  ["a:b", false],
  [digest, false],
] as const)("%s may be a tag: %s", ([tag, isOne]) => {
  expect(isTag(tag)).toBe(isOne);
});

test("paths are joined without empty segments", () => {
  expect(joinPath("", "/packages/", "a/b", "")).toBe("packages/a/b");
});

test("a name is written with a colon before a tag and an at before a digest", () => {
  expect(formatName("h/r", "v1")).toBe("h/r:v1");
  expect(formatName("h/r", digest)).toBe(`h/r@${digest}`);
});

test("only a parsed or computed text is a digest", () => {
  expectTypeOf(parseDigest).returns.toEqualTypeOf<Digest>();
  expectTypeOf<string>().not.toExtend<Digest>();
  expect(isDigest(digest)).toBe(true);
  for (const text of ["", "sha256:", digest.toUpperCase(), `${digest}0`, `md5:${"0".repeat(32)}`]) {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(expect.toSatisfy(refused));
  }
});
