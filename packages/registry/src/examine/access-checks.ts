import * as z from "zod";
import { isRegistryError } from "../errors.ts";
import { isRepositoryPath, isTag, joinPath, type Tag } from "../oci/reference.ts";
import { catalogScope, repositoryScope } from "../remote/auth/scope.ts";
import type { ClientResponse } from "../remote/http-client.ts";
import type { Operation } from "../remote/operation.ts";
import { protocolError } from "../remote/operation.ts";
import { jsonOf, maxPageBytes } from "../remote/paginate.ts";
import type { CallOptions } from "../repository.ts";
import type { CheckFinding } from "./examination.ts";
import { askOnce, type Subject } from "./subject.ts";

/** Of a list, only its first page is looked at. */
const pageSize = 100;

/** So many repositories are tried for one that can be read. */
const maxCandidates = 8;

const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });
const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

/** Finds where credentials come from, as a file's path or a flag's name; `undefined` for nowhere. Never what they are. */
export type FindCredentials = (options: CallOptions) => Promise<string | undefined>;

/** Whether there are credentials, and whether the registry takes them. @throws RegistryError `UNAUTHORIZED` and others */
export async function checkCredentials(
  subject: Subject,
  find: FindCredentials | undefined,
  isAsked: boolean,
): Promise<CheckFinding> {
  const { client, place, signal } = subject;
  const from = find && (await find({ signal }));
  const where = find === undefined ? "those it was opened with" : (from ?? "none were found: it is asked as nobody");
  const details = from === undefined ? {} : { from };
  if (!isAsked) {
    const reason = `the registry lets anybody in; credentials: ${where}`;
    return { status: "ok", reason, details };
  }
  if (find !== undefined && from === undefined)
    return {
      status: "not-asked",
      reason: `credentials: ${where}`,
      advice: "log in, or give a user name and a password",
    };
  const operation = { registry: client.origin.host, reference: place.host, what: `prove who asks ${place.host}` };
  const scopes = place.path === "" ? [] : [repositoryScope(place.path, ["pull"])];
  await askOnce(subject, { method: "GET", url: new URL("/v2/", client.origin), operation, scopes, expect: [200] });
  return { status: "ok", reason: `accepted; credentials: ${where}`, details };
}

/** What the place has to read. */
export interface Found {
  /** Paths below the place, of the first page of the catalog. */
  readonly repositories: readonly string[];
  /** A repository with tags, and one of them. */
  readonly readable?: { readonly path: string; readonly tag: Tag };
}

/** The first repositories the registry lists. @throws RegistryError, mostly `UNAUTHORIZED`, `FORBIDDEN` or `NOT_FOUND` */
export async function checkCatalog(
  subject: Subject,
): Promise<{ readonly finding: CheckFinding; readonly repositories: readonly string[] }> {
  const { client, place } = subject;
  const { host, path: root } = place;
  const operation = { registry: client.origin.host, reference: host, what: `list the repositories of ${host}` };
  const url = new URL(`/v2/_catalog?n=${pageSize}`, client.origin);
  const answer = await askPage(subject, url, [catalogScope], operation);
  const page = catalogSchema.safeParse(jsonOf(answer, operation));
  if (!page.success) throw protocolError(operation, "the answer is no list of repositories");
  const paths = (page.data.repositories ?? []).filter((path) => isRepositoryPath(path));
  const repositories = paths.flatMap((path) => below(root, path) ?? []);
  const more = answer.headers.link === undefined ? "" : " on its first page";
  const within = root === "" ? "" : `, ${repositories.length} of them at or below ${root}`;
  const reason = `it lists ${paths.length} ${paths.length === 1 ? "repository" : "repositories"}${more}${within}`;
  return { finding: { status: "ok", reason, details: { listed: paths.length } }, repositories };
}

/**
 * Tags at the place, or in a repository below it; where things will be written, there need not be any yet.
 * @throws RegistryError when that cannot be told
 */
export async function checkTags(
  subject: Subject,
  repositories: readonly string[],
  willWrite: boolean,
): Promise<{ readonly finding: CheckFinding; readonly readable?: Found["readable"] }> {
  const { place } = subject;
  const candidates = [...new Set([...(place.path === "" ? [] : [""]), ...repositories])].slice(0, maxCandidates);
  if (candidates.length === 0) {
    const advice = "give the path of a repository behind the registry's name";
    return { finding: { status: "not-asked", reason: "there is no repository to ask for its tags", advice } };
  }
  for (const path of candidates) {
    const tags = await tagsOf(subject, path);
    const tag = tags?.find((one) => !/^sha(?:256|512)-/.test(one)) ?? tags?.[0];
    if (tags === undefined || tag === undefined) continue;
    const { name } = subject.endpoints(path);
    const reason = `${name} has ${tags.length} ${tags.length === 1 ? "tag" : "tags"}, such as ${tag}`;
    return {
      finding: { status: "ok", reason, details: { repository: name, tags: tags.length } },
      readable: { path, tag },
    };
  }
  const reason = `${subject.registry.name} has no tags, or shows none: neither there nor in what the catalog lists below it`;
  if (willWrite) return { finding: { status: "not-asked", reason: `${reason}; to push there, it need not exist yet` } };
  const advice = "check the path; to push there, it need not exist yet";
  return { finding: { status: "warning", reason, advice } };
}

/** The first tags of a repository; `undefined` when there is no such repository. */
async function tagsOf(subject: Subject, path: string): Promise<readonly Tag[] | undefined> {
  const endpoints = subject.endpoints(path);
  const operation = endpoints.operation("list tags of");
  const url = endpoints.tags();
  url.searchParams.set("n", String(pageSize));
  try {
    const page = tagsSchema.safeParse(
      jsonOf(await askPage(subject, url, endpoints.scope("pull"), operation), operation),
    );
    if (!page.success) throw protocolError(operation, "the answer is no list of tags");
    return (page.data.tags ?? []).filter((tag) => isTag(tag));
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

async function askPage(
  subject: Subject,
  url: URL,
  scopes: readonly string[],
  operation: Operation,
): Promise<ClientResponse> {
  const headers = { accept: "application/json" };
  return await askOnce(subject, {
    method: "GET",
    url,
    headers,
    operation,
    scopes,
    expect: [200],
    maxBodyBytes: maxPageBytes,
  });
}

function below(root: string, path: string): string | undefined {
  if (root === "") return path;
  if (path === root) return "";
  return path.startsWith(`${joinPath(root)}/`) ? path.slice(root.length + 1) : undefined;
}
