/** What may be done in a repository, in the words of token servers. */
export type RepositoryAction = "pull" | "push" | "delete";

/** The scope of a repository, such as `repository:app:pull,push`. */
export function repositoryScope(path: string, actions: readonly RepositoryAction[]): string {
  return `repository:${path}:${actions.join(",")}`;
}

/** The scope of the list of all repositories. */
export const catalogScope = "registry:catalog:*";
