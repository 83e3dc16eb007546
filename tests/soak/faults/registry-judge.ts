import { createHash } from "node:crypto";

/** What lies in a registry, read without a line of the product. */
export interface Held {
  /** What each `repository:tag` leads to. A list of referrers under its fallback tag is what it lists. */
  readonly tags: Readonly<Record<string, string>>;
  /** Of every `repository@digest` that a tag or referrer leads to: its media type, and what refers to it. */
  readonly manifests: Readonly<Record<string, string>>;
  /** Every `repository@digest` of a blob, with its size. */
  readonly blobs: Readonly<Record<string, number>>;
  /** What is named and is not there, or is not what its digest says. */
  readonly broken: readonly string[];
}

interface Pointer {
  readonly digest: string;
  readonly mediaType?: string;
  readonly size?: number;
}

interface Body {
  readonly mediaType?: string;
  readonly config?: Pointer;
  readonly layers?: readonly Pointer[];
  readonly blobs?: readonly Pointer[];
  readonly manifests?: readonly Pointer[];
}

const accept = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.artifact.manifest.v1+json",
].join(", ");

const fallbackTag = /^sha256-[0-9a-f]{64}$/;

/** Reads everything in these repositories that a tag or a referrer leads to. */
export async function readRegistry(host: string, repositories: Iterable<string>): Promise<Held> {
  const reader = new RegistryJudge(host);
  for (const repository of repositories) await reader.readRepository(repository);
  return reader.held;
}

/** The names of all repositories of a registry. */
export async function repositoriesOf(host: string): Promise<readonly string[]> {
  const names: string[] = [];
  let path = "/v2/_catalog?n=1000";
  for (;;) {
    const answer = await fetch(`http://${host}${path}`);
    names.push(...((await answer.json()) as { readonly repositories: readonly string[] }).repositories);
    const next = nextOf(answer);
    if (next === undefined) return names;
    path = next;
  }
}

/** What differs between what was to be there and what is. */
export function heldDifference(expected: Held, actual: Held): readonly string[] {
  const parts = (["tags", "manifests", "blobs"] as const).flatMap((part) => {
    const names = new Set([...Object.keys(expected[part]), ...Object.keys(actual[part])]);
    return [...names].filter((name) => expected[part][name] !== actual[part][name]).map((name) => `${part}: ${name}`);
  });
  return [...parts, ...actual.broken];
}

/**
 * What is wrong with a registry that a push has begun to fill: whatever has a name is whole, and what it is to be. So many
 * `damaged` manifests the registry took under a tag and answered with another digest: those are not counted, nor what
 * they lead to.
 */
export function unfinishedTags(expected: Held, actual: Held, damaged: number): readonly string[] {
  const wrong = Object.entries(actual.tags).filter(([name, meant]) => {
    const right = expected.tags[name];
    if (right === undefined) return true;
    if (!right.startsWith("lists ")) return right !== meant;
    const all = new Set(right.split(" "));
    return !meant.split(" ").every((one) => all.has(one));
  });
  const excused = wrong.length <= damaged ? wrong.map(([name]) => name.replace(/:[^:]*$/, "")) : [];
  const counts = (name: string) => !excused.some((repository) => name.startsWith(`${repository}@`));
  const named = excused.length > 0 ? [] : wrong.map(([name]) => `${name} leads to something else than it is to`);
  return [...named, ...actual.broken.filter(counts)];
}

function nextOf(answer: Response): string | undefined {
  return /<([^>]+)>; *rel="?next"?/.exec(answer.headers.get("link") ?? "")?.[1]?.replace(/^https?:\/\/[^/]+/, "");
}

class RegistryJudge {
  readonly #host: string;
  readonly #tags: Record<string, string> = {};
  readonly #manifests: Record<string, string> = {};
  readonly #blobs: Record<string, number> = {};
  readonly #broken: string[] = [];

  constructor(host: string) {
    this.#host = host;
  }

  get held(): Held {
    return { tags: this.#tags, manifests: this.#manifests, blobs: this.#blobs, broken: this.#broken };
  }

  async readRepository(repository: string): Promise<void> {
    let path: string | undefined = `/v2/${repository}/tags/list?n=1000`;
    while (path !== undefined) {
      const answer: Response = await fetch(`http://${this.#host}${path}`);
      if (answer.status === 404) return void (await answer.body?.cancel());
      const { tags } = (await answer.json()) as { readonly tags: readonly string[] | null };
      for (const tag of tags ?? []) await this.#readTag(repository, tag);
      path = nextOf(answer);
    }
  }

  async #readTag(repository: string, tag: string): Promise<void> {
    const read = await this.#manifest(repository, tag);
    if (!read) return;
    const { body, digest } = read;
    if (fallbackTag.test(tag) && body.manifests) {
      const listed = body.manifests.map((one) => one.digest).sort();
      this.#tags[`${repository}:${tag}`] = `lists ${listed.join(" ")}`;
      for (const one of listed) await this.#readGraph(repository, one);
      return;
    }
    this.#tags[`${repository}:${tag}`] = digest;
    await this.#readGraph(repository, digest);
  }

  async #readGraph(repository: string, digest: string): Promise<void> {
    const name = `${repository}@${digest}`;
    if (this.#manifests[name] !== undefined) return;
    this.#manifests[name] = "";
    const read = await this.#manifest(repository, digest);
    if (!read) return;
    const { body } = read;
    for (const child of body.manifests ?? []) await this.#readGraph(repository, child.digest);
    const blobs = [...(body.config ? [body.config] : []), ...(body.layers ?? []), ...(body.blobs ?? [])];
    for (const blob of blobs) await this.#readBlob(repository, blob);
    const referrers = await this.#referrers(repository, digest);
    this.#manifests[name] = [read.mediaType, ...referrers].join(" ");
    for (const referrer of referrers) await this.#readGraph(repository, referrer);
  }

  async #manifest(repository: string, reference: string) {
    const answer = await fetch(`http://${this.#host}/v2/${repository}/manifests/${reference}`, { headers: { accept } });
    const bytes = Buffer.from(await answer.arrayBuffer());
    const digest = sha256(bytes);
    if (answer.status !== 200 || (reference.startsWith("sha256:") && reference !== digest)) {
      this.#broken.push(`${repository}@${reference}: ${answer.status}, ${bytes.byteLength} bytes of ${digest}`);
      return undefined;
    }
    const body = JSON.parse(bytes.toString()) as Body;
    return { body, digest, mediaType: answer.headers.get("content-type") ?? "" };
  }

  async #readBlob(repository: string, { digest, size }: Pointer): Promise<void> {
    const name = `${repository}@${digest}`;
    if (this.#blobs[name] !== undefined) return;
    const answer = await fetch(`http://${this.#host}/v2/${repository}/blobs/${digest}`);
    const bytes = Buffer.from(await answer.arrayBuffer());
    this.#blobs[name] = bytes.byteLength;
    if (answer.status !== 200 || sha256(bytes) !== digest || bytes.byteLength !== size) {
      this.#broken.push(`${name}: ${answer.status}, ${bytes.byteLength} of ${size} bytes`);
    }
  }

  async #referrers(repository: string, digest: string): Promise<readonly string[]> {
    const listed: string[] = [];
    let path: string | undefined = `/v2/${repository}/referrers/${digest}`;
    while (path !== undefined) {
      const answer: Response = await fetch(`http://${this.#host}${path}`);
      if (answer.status !== 200) {
        await answer.body?.cancel();
        return []; // one that does not list them: they are under fallback tags
      }
      listed.push(...(((await answer.json()) as Body).manifests ?? []).map((one) => one.digest));
      path = nextOf(answer);
    }
    return listed.sort();
  }
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
