import { describe, expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { parseImage, parseImageExclusion } from "./image-expression.ts";
import { imageQuery } from "./image-query.ts";
import { formatImage, type ImageSelection } from "./image-selection.ts";

const digest = `sha256:${"a".repeat(64)}` as NonNullable<ImageSelection["digest"]>;
const app = "ghcr.io/org/app";

/** The message with which an expression is refused. */
function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (isMirrorError(error, "SELECTION_INVALID")) return error.message;
    throw error;
  }
  return "not refused";
}

describe("an image", () => {
  test.for<readonly [string, Omit<ImageSelection, "repository">]>([
    [app, { tags: ["latest"] }],
    [`${app}:v1`, { tags: ["v1"] }],
    [`${app}@=v1`, { tags: ["v1"] }],
    [`${app}@${digest}`, { digest }],
    [`${app}:v1@${digest}`, { tags: ["v1"], digest }],
    [`${app}@^3.19`, { range: "^3.19" }],
    [`${app}@1.3.0`, { range: "1.3.0" }],
    [`${app}@>=1.2, <2 || ^4`, { range: ">=1.2, <2 || ^4" }],
    [`${app}@/^v\\d+(a&b|c@d)?$/`, { regex: "^v\\d+(a&b|c@d)?$" }],
    [`${app}@v1.*`, { glob: "v1.*" }],
    [`${app}@*`, { glob: "*" }],
    [`${app}@latest:3`, { latest: 3 }],
    [`${app}@latest-patch`, { latestPatchPerMinor: 1 }],
    [`${app}@latest-patch:2`, { latestPatchPerMinor: 2 }],
    [`${app}@since:1.2`, { since: "1.2" }],
    [`${app}@!*-rc*`, { exclude: ["*-rc*"] }],
    [
      ` ${app} @ ^1 & /^v/&!=v1.3.0&! /x&y/ & !~1.4 & latest-patch:2 & latest:5 `,
      { range: "^1", regex: "^v", exclude: ["=v1.3.0", "/x&y/", "~1.4"], latestPatchPerMinor: 2, latest: 5 },
    ],
  ])("%s", ([text, selection]) => {
    expect(parseImage(text)).toEqual({ repository: app, ...selection });
    expect(parseImage(formatImage(parseImage(text)))).toEqual(parseImage(text));
    expect(imageQuery(text).text).toBe(imageQuery(parseImage(text)).text);
  });

  test.for([
    ["alpine", "docker.io/library/alpine"],
    ["grafana/loki", "docker.io/grafana/loki"],
    ["docker.io/alpine", "docker.io/library/alpine"],
    ["index.docker.io/library/alpine", "docker.io/library/alpine"],
    ["registry-1.docker.io/grafana/loki", "docker.io/grafana/loki"],
    ["localhost/app", "localhost/app"],
    ["localhost:5000/app", "localhost:5000/app"],
    ["GHCR.io/org/app", app],
    ["[::1]:5000/app", "[::1]:5000/app"],
  ] as const)("%s is one of %s", ([name, full]) => {
    const { registry, repository } = imageQuery(`${name}:v1`).name;
    expect(`${registry}/${repository}`).toBe(full);
  });

  test.for([
    ["", "it has no name"],
    ["@^1", "it has no name"],
    ["https://ghcr.io/org/app", "write it without a scheme"],
    ["ghcr.io/Org/app", "is not the name of a repository"],
    ["ghcr.io/", "is not the name of a repository"],
    ["ghcr.io:65536/app", "a port is at most 65535"],
    ["robot:secret@ghcr.io/org/app:v1", 'cannot read "***@ghcr.io/org/app:v1": it has a password in it'],
    ["robot:s3@c/ret@ghcr.io/org/app", 'cannot read "***@ghcr.io/org/app": it has a password in it'],
    ["https://robot:secret@ghcr.io/org/app", 'cannot read "***@ghcr.io/org/app": it has a password in it'],
    [`${app}:v 1`, "is not a tag"],
    [`${app}:v1@^1`, "a tag leaves nothing to select"],
    [`${app}@=v1 & ^1`, "a tag leaves nothing to select"],
    [`${app}@`, "nothing follows the @"],
    [`${app}@^1 &`, "a selector is missing beside an &"],
    [`${app}@& ^1`, "a selector is missing beside an &"],
    [`${app}@sha256:abc`, "is not a digest"],
    [`${app}@latest`, "write :latest for that tag, @latest:1 for the newest version"],
    [`${app}@latest:0`, "is not how many"],
    [`${app}@latest-patch:x`, "is not how many"],
    [`${app}@since:`, "is not a version to begin with"],
    [`${app}@since:1.2 <2`, "is not a version to begin with"],
    [`${app}@^1, latest:2`, "write & between selectors"],
    [`${app}@stable`, "write :stable in place of the @"],
    [`${app}@^1 & ~1.3`, "a range is given twice"],
    [`${app}@/(/`, "no regular expression"],
    [`${app}@/${"a".repeat(600)}/`, "at most 512 characters"],
    [`${app}@/a/b/`, "no regular expression between slashes"],
    [`${app}@!latest:2`, "leaves nothing out"],
    [`${app}@!1.3.0`, "write =1.3.0 for that tag"],
    [`${app}@${"^1 ".repeat(2000)}`, "longer than 4096"],
  ] as const)("%s is refused", ([text, said]) => {
    expect(refusal(() => imageQuery(text)).slice(0, 1000)).toContain(said);
  });

  test.for([
    [{ repository: app, tags: ["v1"], range: "^1" }, "a tag or digest leaves nothing to select"],
    [{ repository: app, tags: ["v1", "v2"], digest }, "a digest is that of one tag"],
    [{ repository: app, latest: 0 }, "latest"],
    [{ repository: app, tags: [] }, "tags"],
    [{ repository: app, newest: 3 } as ImageSelection, "newest"],
    [{ repository: app, regex: "a/ & !/b" }, "has a slash in it"],
    [{ repository: "Not a name" }, "not the name of a repository"],
    [{ repository: "robot:secret@ghcr.io/org/app", newest: 3 } as ImageSelection, 'cannot read "***@ghcr.io/org/app"'],
  ] as const)("%o is refused", ([selection, said]) => {
    expect(refusal(() => imageQuery(selection as ImageSelection))).toContain(said);
  });

  test("selections that differ in what they leave out are told apart", () => {
    const leftOut = [[], ["=v2"], ["*-rc*"]];
    const texts = leftOut.map((exclude) => imageQuery({ repository: app, tags: ["v1", "v2"], exclude }).text);
    expect(new Set(texts).size).toBe(3);
  });
});

describe("an exclusion", () => {
  test.for([
    [`${app}@*-rc*`, { repository: app, all: ["*-rc*"] }],
    [`${app}@^1 & /x/`, { repository: app, all: ["^1", "/x/"] }],
    [`${app}:v1`, { repository: app, all: ["=v1"] }],
    [app, { repository: app, all: [] }],
    ["*@*-rc*", { repository: undefined, all: ["*-rc*"] }],
  ] as const)("%s", ([text, exclusion]) => expect(parseImageExclusion(text)).toEqual(exclusion));

  test.for([
    ["*", "it leaves out everything"],
    [`${app}@${digest}`, "only tags are left out"],
    [`${app}:v1@^1`, "it names a tag and more"],
    ["Not a name@*", "not the name of a repository"],
  ] as const)("%s is refused", ([text, said]) => expect(refusal(() => parseImageExclusion(text))).toContain(said));
});
