import { parseChallenges } from "../../../packages/registry/src/remote/auth/challenge.ts";
import { require, requireSame } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** The `WWW-Authenticate` header of a 401. */
export const challengeTarget: FuzzTarget = {
  name: "challenge",
  what: "WWW-Authenticate headers",
  alphabet: "bytes",
  words: [
    "Bearer ",
    "Basic ",
    "Negotiate YII=",
    'realm="https://auth.example.com/token"',
    "realm=https://auth.example.com/token",
    'service="registry"',
    'scope="repository:a/b:pull,push"',
    'error="invalid_token"',
    '__proto__="x"',
    "constructor=x",
    ",",
    ", ",
    "=",
    '"',
    "\\",
    '\\"',
    " ",
    "\t",
    ";",
    "a",
    "Digest",
  ],
  maxLength: 32 * 1024,
  judge: (input) => {
    const challenges = parseChallenges(input);
    for (const { scheme, parameters } of challenges) {
      require(token.test(scheme), `the scheme ${JSON.stringify(scheme)} was accepted`);
      for (const [name, value] of Object.entries(parameters)) {
        require(token.test(name) && typeof value === "string", `the parameter ${JSON.stringify(name)} was accepted`);
        require(input.includes(value) || input.includes("\\"), "a value that is not in the header");
      }
    }
    const text = challenges.map(formatted).join(", ");
    if (text.length <= 8 * 1024) requireSame(parseChallenges(text), challenges, "challenges written and read again");
    return challenges.length > 0;
  },
};

function formatted({ scheme, parameters }: ReturnType<typeof parseChallenges>[number]): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`);
  return [scheme, pairs.join(",")].join(" ").trimEnd();
}
