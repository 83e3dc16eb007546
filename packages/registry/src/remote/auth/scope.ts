/** What may be done in a repository, in the words of token servers. */
export type RepositoryAction = "pull" | "push" | "delete";

/** The scope of a repository, such as `repository:app:pull,push`. */
export function repositoryScope(path: string, actions: readonly RepositoryAction[]): string {
  return `repository:${path}:${actions.join(",")}`;
}

/** The scope of the list of all repositories. */
export const catalogScope = "registry:catalog:*";

/** Scopes, merged so that each resource is there once. */
export interface ScopeSet {
  /** Sorted; the same leave always reads the same. */
  readonly scopes: readonly string[];
  /** What may be done, by resource. */
  readonly actions: ReadonlyMap<string, ReadonlySet<string>>;
}

// `type:name:action,action`; the name may hold a host with its port
const scopePattern = /^([^:]+:.+):([^:,]+(?:,[^:,]+)*)$/;

/** Merges scopes per resource: `repository:a:pull` and `repository:a:push` become `repository:a:pull,push`. */
export function scopeSet(...lists: readonly (readonly string[])[]): ScopeSet {
  const actions = new Map<string, Set<string>>();
  for (const scope of lists.flat()) {
    const [, resource = scope, list = ""] = scopePattern.exec(scope) ?? [];
    const known = actions.get(resource) ?? new Set();
    for (const action of list === "" ? [] : list.split(",")) known.add(action);
    actions.set(resource, known);
  }
  return { scopes: [...actions].map(formatScope).sort(), actions };
}

/** Whether leave for `have` is leave for all of `wanted`. */
export function coversScopes(have: ScopeSet, wanted: ScopeSet): boolean {
  for (const [resource, actions] of wanted.actions) {
    const known = have.actions.get(resource);
    if (known === undefined) return false;
    for (const action of actions) if (!known.has(action)) return false;
  }
  return true;
}

/** The repository a request is about: that of its first repository scope. */
export function repositoryOf(scopes: readonly string[]): string | undefined {
  for (const scope of scopes) {
    const [, repository] = /^repository(?:\([^()]*\))?:(.+):[^:]*$/.exec(scope) ?? [];
    if (repository !== undefined) return repository;
  }
  return undefined;
}

function formatScope([resource, actions]: readonly [string, ReadonlySet<string>]): string {
  return actions.size === 0 ? resource : `${resource}:${[...actions].sort().join(",")}`;
}
