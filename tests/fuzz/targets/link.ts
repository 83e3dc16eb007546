import { resolveLocation } from "../../../packages/registry/src/remote/location.ts";
import { nextLink } from "../../../packages/registry/src/remote/next-link.ts";
import { require, requireSame } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const secure = new URL("https://registry.example.com/v2/app/tags/list?n=100");
const plain = new URL("http://localhost:5000/v2/_catalog");

/** The `Link` header of a page of a list, and where it leads; a `Location` header leads there by the same rules. */
export const linkTarget: FuzzTarget = {
  name: "link",
  what: "Link headers, and where they and Location headers lead",
  alphabet: "bytes",
  words: [
    "</v2/app/tags/list?n=1&last=v1>",
    "<https://registry.example.com/v2/>",
    "<http://registry.example.com/v2/>",
    "<//elsewhere.example.com/>",
    "<?last=a>",
    "<>",
    "<",
    ">",
    '; rel="next"',
    "</x>; rel=",
    ";rel=next",
    '; rel="prev next last"',
    ";",
    ",",
    '"',
    " ",
    "\t",
    "rel",
    "=",
    "next",
    " next ",
    "NEXT",
    "\\",
    'title="a; rel=next"',
    "javascript:",
    "user:password@",
  ],
  maxLength: 16 * 1024, // Node.js and undici read no longer heads,
  judge: (input) => {
    judgeLocation(input);
    const target = nextLink(input);
    if (target === undefined) return false;
    require(input.includes(`<${target}>`), "a target that is not in the header");
    require(/next/i.test(input), "a next page that the header does not name");
    requireSame(nextLink(`<${target}>; rel="next"`), target, "a link written and read again");
    judgeLocation(target);
    return true;
  },
};

function judgeLocation(location: string): void {
  for (const from of [secure, plain]) {
    const url = resolveLocation(location, from);
    if (typeof url === "string") continue;
    require(url.protocol === "https:" || url.protocol === "http:", `${url.protocol} is followed`);
    require(from.protocol === "http:" || url.protocol === "https:", "it leads from https to http");
    require(url.username + url.password + url.hash === "", "user info or a fragment stayed");
    requireSame(new URL(url.href).href, url.href, "the address parsed again");
  }
}
