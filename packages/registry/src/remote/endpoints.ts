import { type Digest, isDigest } from "../oci/digest.ts";
import { formatName, isRepositoryPath, joinPath, parseTag, type Tag } from "../oci/reference.ts";
import { type RepositoryAction, repositoryScope } from "./auth/scope.ts";
import type { Operation } from "./operation.ts";

/** The URLs of one repository's endpoints. @see distribution-spec v1.1.1, "Endpoints" */
export class Endpoints {
  readonly #origin: URL;
  readonly #host: string;
  /** The repository's whole path on its host. */
  readonly path: string;
  /** `host/path`. */
  readonly name: string;

  constructor(origin: URL, host: string, path: string) {
    this.#origin = origin;
    this.#host = host;
    this.path = path;
    this.name = joinPath(host, path);
  }

  /** The path of the repository called `name`, where that is one of this host. */
  pathOf(name: string): string | undefined {
    const path = name.startsWith(`${this.#host}/`) ? name.slice(this.#host.length + 1) : "";
    return isRepositoryPath(path) ? path : undefined;
  }

  /** What a request here needs leave for. */
  scope(...actions: readonly RepositoryAction[]): readonly string[] {
    return [repositoryScope(this.path, actions)];
  }

  manifest(reference: Tag | Digest): URL {
    return this.#url(`manifests/${isDigest(reference) ? reference : parseTag(reference)}`);
  }

  blob(digest: Digest): URL {
    return this.#url(`blobs/${digest}`);
  }

  /** `query` names what to mount, and from where. */
  uploads(query: Readonly<Record<string, string>> = {}): URL {
    const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return this.#url(`blobs/uploads/${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`);
  }

  tags(): URL {
    return this.#url("tags/list");
  }

  referrers(subject: Digest, artifactType?: string): URL {
    const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
    return this.#url(`referrers/${subject}${query}`);
  }

  /** `verb` is what is done to a manifest or blob, or to something named by `what`. */
  operation(verb: string, reference?: Tag | Digest): Operation {
    const named = reference === undefined ? this.name : formatName(this.name, reference);
    return { registry: this.#origin.host, reference: named, what: `${verb} ${named}` };
  }

  #url(rest: string): URL {
    return new URL(`/v2/${this.path}/${rest}`, this.#origin);
  }
}
