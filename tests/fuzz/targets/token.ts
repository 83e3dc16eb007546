import { parseIssuedToken } from "../../../packages/registry/src/remote/auth/issued-token.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireDecent } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

/** What token servers answer. */
export const tokenTarget: FuzzTarget = {
  name: "token",
  what: "answers of token servers",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", ["token", "access_token", "expires_in", "refresh_token", "issued_at", "hunter2"]),
  judge: (input) => {
    const answer = parseIssuedToken(bytesOfInput(input));
    if (typeof answer === "string") {
      requireDecent(answer);
      require(!answer.includes("hunter2"), "a message shows a token");
      return false;
    }
    const { token, lifetimeMs, refreshToken } = answer;
    require(/^[\x21-\x7e]{1,16384}$/.test(token), "a token cannot stand in a header");
    require(Number.isSafeInteger(Math.round(lifetimeMs)) && lifetimeMs >= 60_000, `it is good for ${lifetimeMs} ms`);
    require(refreshToken === undefined || refreshToken !== "", "a refresh token is empty");
    return true;
  },
};
