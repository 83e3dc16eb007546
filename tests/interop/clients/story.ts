import type { Registry } from "@tranship/registry";
import type { Shell } from "./shell.ts";

/** Where a client finds our server, and how it has to be asked. */
export interface Place {
  /** Address and port. */
  readonly host: string;
  readonly isPlainHttp: boolean;
  /** What the server serves, to look at from behind. */
  readonly registry: Registry;
  /** An empty folder of the story's own. */
  readonly folder: string;
}

/** What one client does with our server. */
export interface Story {
  readonly client: string;
  tell(shell: Shell, place: Place): Promise<void>;
}

/** What is behind a tag. */
export async function digestAt({ registry }: Place, path: string, tag: string): Promise<string | undefined> {
  return (await registry.repository(path).resolve(tag))?.digest;
}

/** What refers to a manifest, by artifact type. */
export async function referrersAt({ registry }: Place, path: string, tag: string): Promise<readonly string[]> {
  const repository = registry.repository(path);
  const subject = await repository.resolve(tag);
  if (!subject) return [];
  const referrers = await Array.fromAsync(repository.referrers(subject.digest));
  return referrers.map(({ artifactType = "" }) => artifactType).sort();
}
