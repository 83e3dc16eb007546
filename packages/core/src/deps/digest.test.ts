import fc from "fast-check";
import { expect, test } from "vitest";
import { parseItemDigest, writtenDigestHex } from "./digest.ts";
import { isDepsError } from "./errors.ts";

const hex64 = "ab01".repeat(16);
const hex128 = "ab01".repeat(32);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isDepsError(error)) return error.code;
    throw error;
  }
  return "none";
}

test.for([
  [`sha256:${hex64}`, `sha256:${hex64}`],
  [`sha512:${hex128}`, `sha512:${hex128}`],
  [`sha256:${hex64.toUpperCase()}`, `sha256:${hex64}`],
] as const)("%s is the digest %s", ([text, digest]) => {
  expect(parseItemDigest(text, "runc")).toBe(digest);
});

test.for([
  ["", "DIGEST_MISSING"],
  [hex64, "DIGEST_FORMAT"],
  [`md5:${hex64.slice(32)}`, "DIGEST_ALGORITHM"],
  [`SHA256:${hex64}`, "DIGEST_ALGORITHM"],
  [`:${hex64}`, "DIGEST_ALGORITHM"],
  [`sha256:${hex64.slice(1)}`, "DIGEST_LENGTH"],
  [`sha256:${hex64}a`, "DIGEST_LENGTH"],
  ["sha256:", "DIGEST_LENGTH"],
  [`sha512:${hex64}`, "DIGEST_LENGTH"],
  [`sha256:sha256:${hex64}`, "DIGEST_LENGTH"],
  [`sha256:${"g".repeat(64)}`, "DIGEST_FORMAT"],
  [`sha256:${hex64.slice(1)}\n`, "DIGEST_FORMAT"],
  [`sha256:${hex64.slice(2)}..`, "DIGEST_FORMAT"],
] as const)("digest %j is refused: %s", ([text, code]) => {
  expect(codeOf(() => parseItemDigest(text, "runc"))).toBe(code);
});

test("a digest of another algorithm is refused where only one will do", () => {
  const only = { algorithms: ["sha256"] } as const;
  expect(parseItemDigest(`sha256:${hex64}`, "web", only)).toBe(`sha256:${hex64}`);
  expect(codeOf(() => parseItemDigest(`sha512:${hex128}`, "web", only))).toBe("DIGEST_ALGORITHM");
});

test("the message names the item", () => {
  expect(() => parseItemDigest("", "vmconfig")).toThrow(/vmconfig.*no digest/);
});

test("the digits of a digest are what follows the first colon", () => {
  expect([`sha256:${hex64}`, "a:b:c", hex64, ""].map(writtenDigestHex)).toEqual([hex64, "b:c", "", ""]);
});

test("whatever is no digest is refused with a code, and what is one is its own text in lower case", () => {
  const nearly = fc.tuple(
    fc.constantFrom("sha256:", "sha512:", "sha1:", ""),
    fc.string({ unit: fc.constantFrom(..."0aF:g/"), minLength: 60, maxLength: 130 }),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        nearly.map((parts) => parts.join("")),
      ),
      (text) => {
        const code = codeOf(() => parseItemDigest(text, "runc"));
        if (code === "none") expect(parseItemDigest(text, "runc")).toBe(text.toLowerCase());
        else expect(code).toMatch(/^DIGEST_(?:MISSING|FORMAT|ALGORITHM|LENGTH)$/);
      },
    ),
  );
});
