import { describe, expect, test } from "vitest";
import { isRootfsError } from "../errors.ts";
import {
  canonicalName,
  normalizeBaseUrl,
  parseImageRef,
  registryHostOf,
  skopeoLayout,
  skopeoSource,
  splitImageRef,
  validateImageRef,
  wantedOf,
} from "./image-reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

function reasonOf(text: string): string | undefined {
  try {
    validateImageRef(text);
    return undefined;
  } catch (error) {
    return isRootfsError(error, "REFERENCE_INVALID") ? error.details.reason : String(error);
  }
}

describe("the syntax gate", () => {
  test.for([
    "nginx",
    "library/nginx:1",
    "reg:5000/a/b:t",
    `a@${digest}`,
    `a:t@${digest}`,
    "docker://nginx",
    "docker://http://localhost:5000/a",
    "https://r.example.com/a:b",
    "localhost/a",
    "  nginx:1.27 ",
  ])("takes %j", (text) => {
    expect(reasonOf(text)).toBeUndefined();
  });

  test.for([
    "",
    "   ",
    "docker://",
    "http://",
    "-x",
    "docker://--help",
    "image;rm -rf /",
    "$(whoami)",
    "`whoami`",
    "a\tb",
    "a\nb",
    "nginx\u0000",
    "[::1]:5000/a",
    "docker://docker://x",
    "http://http://x",
    "library/nginx:",
    "x@sha256:zz",
    `x@${digest}@${digest}`,
    "x@",
    "Upper/case",
    "a//b",
    "a/../b",
    "reg:99999/a",
    "reg.io/",
    "/a",
    `a:${"t".repeat(129)}`,
    `${"a/".repeat(600)}a`,
  ])("refuses %j", (text) => {
    expect(reasonOf(text)).toEqual(expect.any(String));
    expect(() => validateImageRef(text)).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
  });

  test("gives the reference without transport and blanks", () => {
    expect(validateImageRef(" docker://http://r.io/a:b\n")).toBe("r.io/a:b");
  });

  test("repeats no password", () => {
    for (const text of ["user:s3cret@r.io/a", "https://user:s3cret@r.io/a"]) {
      expect(() => validateImageRef(text)).toThrow(/^(?!.*s3cret)/);
    }
  });
});

test.for([
  ["nginx", "docker.io/library/nginx", "latest"],
  ["nginx:1.27", "docker.io/library/nginx", "1.27"],
  ["docker.io/nginx", "docker.io/library/nginx", "latest"],
  ["registry-1.docker.io/org/app", "docker.io/org/app", "latest"],
  ["org/app:v1", "docker.io/org/app", "v1"],
  ["localhost/app", "localhost/app", "latest"],
  ["reg:5000/a/b:t", "reg:5000/a/b", "t"],
  ["r.io/a", "r.io/a", "latest"],
  [`r.io/a:t@${digest}`, "r.io/a", digest],
  [`a@${digest}`, "docker.io/library/a", digest],
] as const)("%s is %s, asked for %s", ([text, name, wanted]) => {
  const reference = parseImageRef(text);
  expect([canonicalName(reference), wantedOf(reference), reference.isPlainHttp]).toEqual([name, wanted, false]);
});

test("plain HTTP is asked for by http:// alone", () => {
  expect(parseImageRef("docker://http://r.io/a").isPlainHttp).toBe(true);
  expect(parseImageRef("https://r.io/a").isPlainHttp).toBe(false);
});

test.for([
  ["registry:5000/image", "registry:5000/image", ""],
  ["registry:5000/image:v1", "registry:5000/image", "v1"],
  [`docker://r.io/a:stable@${digest}`, "r.io/a", "stable"],
  ["nginx", "nginx", ""],
] as const)("%s is split into %s and %j", ([text, name, tag]) => {
  expect(splitImageRef(text)).toEqual({ name, tag });
});

test.for([
  ["nginx:1.27", "docker.io"],
  ["nginx", "docker.io"],
  ["index.docker.io/library/nginx", "docker.io"],
  ["docker://registry-1.docker.io/a/b", "docker.io"],
  ["localhost/a:b", "localhost"],
  ["http://reg:5000/a", "reg:5000"],
  ["org/app", "docker.io"],
] as const)("credentials for %s are kept under %s", ([text, host]) => {
  expect(registryHostOf(text)).toBe(host);
});

test.for([
  ["r.io/a:v1", "docker://r.io/a:v1", "oci:/d:v1"],
  ["docker://r.io/a", "docker://r.io/a", "oci:/d"],
  [`http://r.io:5/a@${digest}`, `docker://r.io:5/a@${digest}`, "oci:/d"],
] as const)("skopeo reads %s as %s and writes it to %s", ([text, source, layout]) => {
  expect([skopeoSource(text), skopeoLayout("/d", text)]).toEqual([source, layout]);
});

test.for([
  [" host:80 ", "http://host:80"],
  ["https://x", "https://x"],
  ["http://x/y/", "http://x/y/"],
  ["", ""],
  ["  ", ""],
] as const)("the base URL %j becomes %j", ([text, url]) => {
  expect(normalizeBaseUrl(text)).toBe(url);
});
