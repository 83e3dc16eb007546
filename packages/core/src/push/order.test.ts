import { expect, test } from "vitest";
import { publishRank } from "./order.ts";

const hex = "ab".repeat(32);

test.for([
  { path: "", tag: hex, rank: 0 },
  { path: "packages/console", tag: `sha256-${hex}`, rank: 0 },
  { path: "packages/console", tag: `sha256-${hex}.att`, rank: 0 },
  { path: "packages/console/version", tag: `sha256-${hex}.sig`, rank: 0 },
  { path: "packages/console/version", tag: `sha512-${hex}`, rank: 0 },
  { path: "", tag: "v1.56.5", rank: 1 },
  { path: "", tag: "stable", rank: 1 },
  { path: "packages/console", tag: "v1.0.0", rank: 1 },
  { path: "packages/console/extra/ui", tag: "v1.0.0", rank: 1 },
  { path: "security/trivy-db", tag: "2", rank: 1 },
  { path: "packages/console/version", tag: "v1.0.0", rank: 2 },
  { path: "modules/net/release", tag: "v1.0.0", rank: 2 },
  { path: "release-channel", tag: "v1.56.5", rank: 2 },
  { path: "packages/console/version", tag: "early-access", rank: 3 },
  { path: "modules/net/release", tag: "lts", rank: 3 },
  { path: "release-channel", tag: "rock-solid", rank: 3 },
  { path: "packages/extra/version", tag: "stable", rank: 3 },
  { path: "modules/extra/release", tag: "v1.0.0", rank: 2 },
  { path: "packages", tag: "console", rank: 4 },
  { path: "modules", tag: "net", rank: 4 },
] as const)("$path:$tag is published at rank $rank", ({ path, tag, rank }) => {
  expect(publishRank(path, tag)).toBe(rank);
});

test.for([
  { name: "a package called version", path: "packages/version" },
  { name: "a module called release", path: "modules/release" },
  { name: "an extra image called version", path: "packages/console/extra/version" },
])("$name is ordinary content", ({ path }) => {
  expect(publishRank(path, "v1.0.0")).toBe(1);
});
