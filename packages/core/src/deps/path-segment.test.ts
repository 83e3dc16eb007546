import { posix, win32 } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isDepsError } from "./errors.ts";
import { isPathSegment, requirePathSegment, requirePathSegments } from "./path-segment.ts";

test.for([
  ["runc"],
  ["1.4.2"],
  ["1.30.0+k3s1"],
  ["runc.arm64"],
  ["f.tgz?sig=1"],
  ["localhost:5000"],
  [".hidden"],
  ["...a"],
  ["console"],
  ["com10"],
  ["ÿ-käse-漢"],
])("%j may be a name", ([name = ""]) => {
  expect(isPathSegment(name)).toBe(true);
  expect(requirePathSegment(name, "item name")).toBe(name);
});

test.for([
  [""],
  ["."],
  [".."],
  ["../x"],
  ["a/b"],
  ["/etc"],
  ["a\\b"],
  ["..\\x"],
  ["C:"],
  ["c:x"],
  ["a\0"],
  ["a\nb"],
  ["a\u007f"],
  ["a\u202eb"],
  ["a\ud800"],
  ["a."],
  ["a "],
  ["..."],
  ["CON"],
  ["con.txt"],
  ["nul .tar.gz"],
  ["NUL:x"],
  ["lpt1"],
  ["COM¹.bin"],
  ["x".repeat(256)],
  ["é".repeat(128)],
])("%j is no name", ([name = ""]) => {
  expect(isPathSegment(name)).toBe(false);
  expect(() => requirePathSegment(name, "item name")).toThrow(/cannot be used as item name/);
});

test.for([["a/../b"], ["a//b"], ["/a"], ["a/"], ["a/./b"], ["a/nul/b"], [`${"x/".repeat(1100)}x`]])(
  "%j is no path below a folder",
  ([path = ""]) => {
    try {
      requirePathSegments(path, "repository");
      expect.unreachable();
    } catch (error) {
      expect(isDepsError(error, "NAME_UNSAFE")).toBe(true);
    }
  },
);

test("a path is split into its names", () => {
  expect(requirePathSegments("quay.io/acme/lb", "repository")).toEqual(["quay.io", "acme", "lb"]);
});

test("no path that is let through leaves its folder, on any system", () => {
  const piece = fc.oneof(
    fc.constantFrom("..", ".", "/", "\\", "C:", "c:\\", "\0", "a", "nul", " ", "//host/share/", "%2e%2e", "\u202e"),
    fc.string({ maxLength: 4 }),
  );
  const path = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(path, (text) => {
      let segments: readonly string[];
      try {
        segments = requirePathSegments(text, "path");
      } catch (error) {
        expect(isDepsError(error, "NAME_UNSAFE")).toBe(true);
        return;
      }
      expect(posix.resolve("/cache", ...segments)).toBe(`/cache/${segments.join("/")}`);
      expect(win32.resolve("C:\\cache", ...segments)).toBe(`C:\\cache\\${segments.join("\\")}`);
    }),
    { numRuns: 500 },
  );
});
