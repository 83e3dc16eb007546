import { expect, test } from "vitest";
import { parseImageName } from "../../selection/image-name.ts";
import { type ImagePathOptions, imagePaths } from "./images-paths.ts";

/** The path of a repository. */
function pathOf(name: string, options?: ImagePathOptions): string {
  const parsed = parseImageName(name);
  if (!parsed) throw new Error(`${name} is no name`);
  return imagePaths(options)(parsed);
}

const rewrites = [
  { from: "ghcr.io/org", to: "mirror" },
  { from: "ghcr.io/org/app/", to: "/special/" },
  { from: "quay.io", to: "" },
];

test.for<readonly [string, ImagePathOptions | undefined, string]>([
  ["ghcr.io/org/app", undefined, "ghcr.io/org/app"],
  ["alpine", undefined, "docker.io/library/alpine"],
  ["localhost:5000/app", undefined, "localhost_5000/app"],
  ["[2001:db8::1]:5000/app", undefined, "ipv6_2001_db8__1-5000/app"],
  ["[::1]/app", undefined, "ipv6_0__1/app"],
  ["ghcr.io/org/app", { host: "strip" }, "org/app"],
  ["ghcr.io/org/app", { prefix: "/third/party/" }, "third/party/ghcr.io/org/app"],
  ["ghcr.io/org/other", { rewrites }, "mirror/other"],
  ["ghcr.io/org/app", { rewrites, prefix: "x" }, "x/special"],
  ["ghcr.io/organ/app", { rewrites, host: "strip" }, "organ/app"],
  ["quay.io/a/b", { rewrites }, "a/b"],
])("%s with %o is stored at %s", ([name, options, path]) => expect(pathOf(name, options)).toBe(path));

test.for<readonly [string, ImagePathOptions, string]>([
  ["ghcr.io/app", { prefix: "Not/a path" }, "the prefix is no path"],
  ["ghcr.io/app", { rewrites: [{ from: "", to: "a" }] }, "a rewrite needs what it is from"],
  [
    "ghcr.io/app",
    {
      rewrites: [
        { from: "x.y", to: "a" },
        { from: "x.y/", to: "b" },
      ],
    },
    "two rewrites",
  ],
  ["ghcr.io/app", { rewrites: [{ from: "ghcr.io/app", to: "" }] }, '"" is no path of a repository'],
  ["a..b/app", {}, "a..b/app is no name"],
  [`ghcr.io/${"long/".repeat(48)}app`, { prefix: "some/where" }, "is no path of a repository"],
])("%s with %o is refused: %s", ([name, options, said]) => expect(() => pathOf(name, options)).toThrow(said));
