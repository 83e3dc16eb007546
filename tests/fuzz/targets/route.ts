import { ApiError } from "../../../packages/registry/src/server/api-error.ts";
import { formatScope, parseScope } from "../../../packages/registry/src/server/auth/access.ts";
import { parseTarget } from "../../../packages/registry/src/server/request-record.ts";
import { parseRoute } from "../../../packages/registry/src/server/route.ts";
import { require, requireDigest, requireSame } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const name = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

/** What clients of our server ask for: the path and query of a request, and the scope of a token. */
export const routeTarget: FuzzTarget = {
  name: "route",
  what: "requests to our server: paths, queries and scopes",
  alphabet: "bytes",
  words: [
    "/v2/",
    "app",
    "/manifests/",
    "/blobs/",
    "/blobs/uploads/",
    "/referrers/",
    "/tags/list",
    "_catalog",
    `sha256:${"0".repeat(64)}`,
    "latest",
    "?n=1&last=a",
    "?mount=",
    "%2e%2e",
    "%2f",
    "%",
    "..",
    "/",
    "//",
    "repository:a/b:pull,push",
    "registry:catalog:*",
    ":",
    " ",
    "*",
  ],
  maxLength: 64 * 1024,
  judge: (input) => {
    const accesses = parseScope(input);
    for (const one of accesses)
      require(one.type === "registry" || name.test(one.name), `leave for ${one.name} was read`);
    const unique = [...new Map(accesses.map((one) => [JSON.stringify(one), one])).values()];
    requireSame(
      new Set(parseScope(formatScope(unique)).map(worded)),
      new Set(unique.map(worded)),
      "a scope written and read",
    );
    const { path } = parseTarget(input);
    try {
      const route = parseRoute(path);
      if ("repository" in route)
        require(name.test(route.repository) && route.repository.length <= 255, `${route.repository} is served`);
      if (route.kind === "blob" || route.kind === "referrers") requireDigest(route.digest);
      if (route.kind === "upload") require(!route.id.includes("/"), "an upload's name has a slash");
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return accesses.length > 0;
    }
  },
};

function worded({ type, name: of, action }: ReturnType<typeof parseScope>[number]): string {
  return `${type}:${of}:${action}`;
}
