import { isRepositoryPath } from "../../oci/reference.ts";
import type { Route } from "../route.ts";

/** One thing that may be done to one thing, as token servers name it. */
export interface Access {
  readonly type: "repository" | "registry";
  readonly name: string;
  readonly action: "pull" | "push" | "delete" | "*";
}

/** Whether who asks may do this. */
export type Grant = (access: Access) => boolean;

const repositoryActions = ["pull", "push", "delete"] as const;

/** Leave to read a repository. */
export function pullAccess(repository: string): Access {
  return { type: "repository", name: repository, action: "pull" };
}

/** What a request needs leave for. A mount reads the repository it takes from. */
export function accessesOf(route: Route, method: string, query: URLSearchParams): readonly Access[] {
  if (route.kind === "base") return [];
  if (route.kind === "catalog") return [{ type: "registry", name: "catalog", action: "*" }];
  const { repository: name } = route;
  const pull = pullAccess(name);
  const isContent = route.kind === "manifest" || route.kind === "blob";
  if (isContent && method === "DELETE") return [{ type: "repository", name, action: "delete" }];
  const isWrite = route.kind === "uploads" || route.kind === "upload" || (isContent && method === "PUT");
  if (!isWrite) return [pull];
  const from = route.kind === "uploads" && query.has("mount") ? (query.get("from") ?? "") : "";
  const source = isRepositoryPath(from) && from !== name ? [pullAccess(from)] : [];
  return [pull, { type: "repository", name, action: "push" }, ...source];
}

/** The words of a scope, such as `repository:two:pull,push repository:one:pull`. */
export function formatScope(accesses: readonly Access[]): string {
  const actions = new Map<string, string[]>();
  for (const { type, name, action } of accesses) {
    const key = `${type}:${name}`;
    actions.set(key, [...(actions.get(key) ?? []), action]);
  }
  return [...actions].map(([key, list]) => `${key}:${list.join(",")}`).join(" ");
}

/** What a scope's words ask for; words that mean nothing here are left out. */
export function parseScope(text: string): readonly Access[] {
  return text.split(" ").flatMap((word): readonly Access[] => {
    const [, type, name = "", actions = ""] = /^(repository|registry):(.+):([a-z*,]+)$/.exec(word) ?? [];
    if (type === "registry") {
      return name === "catalog" && actions === "*" ? [{ type, name, action: "*" }] : [];
    }
    if (type !== "repository" || !isRepositoryPath(name)) return [];
    const asked = actions.split(",");
    const known = repositoryActions.filter((action) => asked.includes(action) || asked.includes("*"));
    return known.map((action) => ({ type, name, action }));
  });
}
