import {
  formatReference,
  isDigest,
  isRepositoryPath,
  isTag,
  parseDigest,
  parseReference,
  parseRepositoryPath,
  parseTag,
  referrersTag,
} from "@tranship/registry";
import { parsePlace } from "../../../packages/registry/src/oci/reference.ts";
import type { Choice } from "../random-choice.ts";
import { isRegistryRefusal, require, requireDigest, requireSame, unlessRefused } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

// As distribution-spec v1.1.1, "Pulling manifests", writes them.
const name = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** A host as the reference grammar of distribution has it; ours also has to fit a URL. */
const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const host = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:.]+\\])(?::[0-9]{1,5})?$`);
const maxNameLength = 255;

const isRefusal = isRegistryRefusal("INVALID_REFERENCE");

/** References of images, as lists in images and users give them. */
export const referenceTarget: FuzzTarget = {
  name: "reference",
  what: "references, tags, repository paths, digests and places",
  alphabet: "text",
  words: [
    "registry.example.com",
    "localhost:5000",
    "[::1]:443",
    "127.0.0.1",
    "/",
    "//",
    ":",
    "@",
    "app",
    "a__b",
    "a--b",
    "..",
    ".",
    "_",
    "-",
    "v1.2.3",
    "latest",
    `@sha256:${"0".repeat(64)}`,
    `@sha512:${"a".repeat(128)}`,
    "sha256:",
    "https://",
    "user:password@",
    "?",
    "#",
    "%2f",
    " ",
    "\n",
    "A",
  ],
  maxLength: 1024 * 1024,
  make: (choice) => {
    const path = Array.from({ length: 1 + choice.below(4) }, () => aComponent(choice)).join("/");
    const tagged = choice.happens(0.5)
      ? `:${choice.of(["v1", "_", "a".repeat(128), "a".repeat(129), "-x", "v1.0-rc.1"])}`
      : "";
    const pinned = choice.happens(0.3) ? `@sha256:${"0123456789abcdef".repeat(4)}` : "";
    return `${choice.of(["host", "host:80", "a.b:65535", "a.b:65536", "[fe80::1]", "1.2.3.4", "x-.y"])}/${path}${tagged}${pinned}`;
  },
  judge: (input) => {
    judgeParts(input);
    return judgeReference(input);
  },
};

function aComponent(choice: Choice): string {
  let text = choice.of(["a", "app", "0"]);
  for (let left = choice.below(4); left > 0; left -= 1) {
    text += choice.of([".", "_", "__", "-", "--", "---", "..", "___", "._"]) + choice.of(["a", "9", "b2"]);
  }
  return text;
}

function judgeParts(input: string): void {
  require(isTag(input) === tag.test(input), "another verdict than the specification's on a tag");
  const isName = name.test(input.slice(0, maxNameLength + 1)) && input.length <= maxNameLength;
  require(isRepositoryPath(input) === isName, "another verdict than the specification's on a repository name");
  requireSame(
    unlessRefused(() => parseTag(input), isRefusal),
    isTag(input) ? input : undefined,
    "parseTag",
  );
  requireSame(
    unlessRefused(() => parseRepositoryPath(input), isRefusal),
    isName ? input : undefined,
    "parseRepositoryPath",
  );
  const digest = unlessRefused(() => parseDigest(input), isRefusal);
  require((digest !== undefined) === isDigest(input), "isDigest and parseDigest disagree");
  if (digest !== undefined) {
    requireDigest(digest);
    require(isTag(referrersTag(digest)), "a referrers tag is no tag");
  }
  const place = unlessRefused(() => parsePlace(input), isRefusal);
  if (place === undefined) return;
  requireHost(place.host);
  require(place.path === "" || name.test(place.path), `the path ${JSON.stringify(place.path)} was accepted`);
}

function judgeReference(input: string): boolean {
  const reference = unlessRefused(() => parseReference(input), isRefusal);
  require((reference !== undefined) === isReference(input), "another verdict than the grammar's on a reference");
  if (reference === undefined) return false;
  const text = formatReference(reference);
  requireSame(text, input, "a reference's text");
  requireSame(parseReference(text), reference, "a reference parsed again");
  requireHost(reference.registry);
  return true;
}

/** By the grammar, piece by piece from both ends. */
function isReference(input: string): boolean {
  const slash = input.indexOf("/");
  if (slash < 0 || input.length > 2000) return false;
  const [rest = "", ...digests] = input.slice(slash + 1).split("@");
  const [path = "", ...tags] = rest.split(":");
  const isPinnedWell = digests.length === 0 || (digests.length === 1 && isDigestText(digests[0] ?? ""));
  const isTaggedWell = tags.length === 0 || (tags.length === 1 && tag.test(tags[0] ?? ""));
  const isPathOne = path.length <= maxNameLength && name.test(path);
  return isHost(input.slice(0, slash)) && isPinnedWell && isTaggedWell && isPathOne;
}

function isDigestText(text: string): boolean {
  return /^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$/.test(text);
}

function isHost(text: string): boolean {
  return text.length <= 259 && host.test(text) && URL.canParse(`https://${text}/`);
}

/** An accepted host is the one a URL of it leads to. */
function requireHost(text: string): void {
  const url = URL.parse(`https://${text}/`);
  require(url !== null, `the host ${JSON.stringify(text)} was accepted, and no URL can have it`);
  const { username, password, pathname, search } = url;
  require(username + password + search === "" &&
    pathname === "/", `the host ${JSON.stringify(text)} is more than a host`);
}
