import { isRegistryError } from "@tranship/registry";
import type { ClientResponse } from "../../../packages/registry/src/remote/http-client.ts";
import { httpError } from "../../../packages/registry/src/remote/http-error.ts";
import { repositoriesOf } from "../../../packages/registry/src/remote/http-registry.ts";
import { tagsOf } from "../../../packages/registry/src/remote/remote-repository.ts";
import { jsonParts } from "./json-input.ts";
import { isRegistryRefusal, require, requireDecent, unlessRefused } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

const operation = { registry: "registry.example.com", reference: "registry.example.com/app", what: "read app" };
const isRefusal = isRegistryRefusal("PROTOCOL");
const statuses = [400, 401, 403, 404, 405, 408, 416, 429, 500, 502, 503, 599] as const;

/** Bodies of lists and of errors, as registries and what stands before them send them. */
export const answersTarget: FuzzTarget = {
  name: "answers",
  testRuns: 800,
  what: "lists of tags and repositories, bodies of errors",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "tags",
    "name",
    "repositories",
    "errors",
    "code",
    "message",
    "detail",
    "latest",
    "a/b",
    "NAME_UNKNOWN",
  ]),
  judge: (input) => {
    const body = bytesOfInput(input);
    const status = statuses[input.length % statuses.length] ?? 500;
    const page: ClientResponse = { status: 200, headers: {}, body, url: new URL("https://registry.example.com/v2/") };
    const tags = unlessRefused(() => tagsOf(page, operation), isRefusal);
    for (const tag of tags ?? [])
      require(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(tag), `the tag ${tag} was accepted`);
    const paths = unlessRefused(() => repositoriesOf(page, operation), isRefusal);
    for (const path of paths ?? [])
      require(/^[a-z0-9][a-z0-9._/-]*$/.test(path) && !path.includes(".."), `the path ${path} was accepted`);
    const error = httpError(
      { status, headers: { "retry-after": input.slice(0, 100) }, body, host: "registry.example.com" },
      operation,
    );
    require(isRegistryError(error), "an answer makes no error");
    requireDecent(error.message);
    const errors = "errors" in error.details ? error.details.errors : undefined;
    for (const { code } of errors ?? []) requireDecent(code);
    return tags !== undefined || paths !== undefined || errors !== undefined;
  },
};
