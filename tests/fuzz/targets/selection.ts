import { isMirrorError } from "@tranship/core";
import { isConstraint, parseConstraint } from "../../../packages/core/src/selection/constraint.ts";
import { parseFilter } from "../../../packages/core/src/selection/filter.ts";
import { parseImage, parseImageExclusion } from "../../../packages/core/src/selection/image-expression.ts";
import { versionOfTag } from "../../../packages/core/src/selection/version.ts";
import { require, requireDigest, unlessRefused } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const isRefusal = (error: unknown) => isMirrorError(error, "SELECTION_INVALID");
const versions = ["v1.0.0", "1.3.7", "v2.0.0-rc.1", "0.4.0"].map((tag) => versionOfTag(tag)?.version);

/** What is selected, as plans, configurations and flags say it, and the tags it is asked about. */
export const selectionTarget: FuzzTarget = {
  name: "selection",
  what: "constraints, selections of packages and images, versions in tags",
  alphabet: "text",
  words: [
    "console",
    "@",
    "^1.45",
    "~1.3",
    ">=1.0 <2",
    " || ",
    "=v1.0.3+stable",
    "!=1.2",
    "ghcr.io/org/app",
    ":latest",
    "&",
    "/^v1/",
    "*-rc*",
    "latest:3",
    "latest-patch",
    "since:1.2",
    "!",
    "1.x",
    "1.2.3-rc.1+build",
    `@sha256:${"0".repeat(64)}`,
    " ",
    ",",
    "999999999999999",
    "*",
    "-",
  ],
  maxLength: 64 * 1024,
  judge: (input) => {
    const constraint = parseConstraint(input);
    if (isConstraint(constraint) && constraint.kind === "range") {
      for (const version of versions)
        if (version) require(typeof constraint.range.includes(version) === "boolean", "no verdict");
      for (const { version } of constraint.range.starts) require(version !== "", "a search begins nowhere");
    }
    const filter = unlessRefused(() => parseFilter({ include: [input], exclude: [] }), isRefusal);
    for (const name of filter?.names ?? [])
      require(/^[a-z0-9][a-z0-9._-]*$/.test(name), `the name ${name} was accepted`);
    const image = unlessRefused(() => parseImage(input), isRefusal);
    if (image?.digest !== undefined) requireDigest(image.digest);
    const exclusion = unlessRefused(() => parseImageExclusion(input), isRefusal);
    const version = versionOfTag(input);
    if (version)
      require(version.tag === input && Number.isSafeInteger(version.version.major), "a version nobody wrote");
    return isConstraint(constraint) || [filter, image, exclusion, version].some((one) => one !== undefined);
  },
};
