import * as z from "zod";
import type { LaneProvider } from "../lane.ts";
import { isRepositoryPath, joinPath, type Place } from "../oci/reference.ts";
import type { Registry } from "../registry.ts";
import type {
  CallOptions,
  RepositoryDeleter,
  RepositoryReader,
  RepositoryWriter,
  SourceMounts,
  WriteProbe,
} from "../repository.ts";
import { catalogScope } from "./auth/scope.ts";
import { isDockerHub } from "./credentials/docker-hub.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { listItems } from "./list-items.ts";
import { type Operation, protocolError } from "./operation.ts";
import { jsonOf } from "./paginate.ts";
import { RemoteRepository, type RemoteRepositoryOptions } from "./remote-repository.ts";

/**
 * A repository on a remote host; it also offers the bare lane of its blobs. Beside the codes its calls name, each may end with
 * what lies on the way to any registry: `UNAUTHORIZED`, `FORBIDDEN`, `RATE_LIMITED`, `SERVER_ERROR`, `UNEXPECTED_STATUS`, `PROTOCOL`,
 * `TOO_LARGE`, `NETWORK`, `TIMEOUT`, `TLS`, `CREDENTIALS_UNUSABLE`; with `INVALID_REFERENCE` for text that is no tag; and with
 * `UNSUPPORTED` once the registry was closed.
 */
export type RemoteRegistryRepository = RepositoryReader &
  RepositoryWriter &
  RepositoryDeleter &
  WriteProbe &
  SourceMounts &
  LaneProvider;

/** A registry on a remote host. Holds its connections until disposed. */
export interface RemoteRegistry extends Registry, AsyncDisposable {
  repository(path: string): RemoteRegistryRepository;
  /** Drops all connections at once. What still runs fails; what comes later is refused with `UNSUPPORTED`. */
  close(): Promise<void>;
}

const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });
const repositoriesPerPage = 1000;

/** Repositories that are kept at hand. */
const maxKnown = 1000;

/** The repositories of one host, below one path. */
export class HttpRegistry implements RemoteRegistry {
  readonly name: string;
  readonly #place: Place;
  readonly #client: HttpClient;
  readonly #options: RemoteRepositoryOptions;
  /** By path, the last ones: whoever names one a hundred thousand times has it once. */
  readonly #repositories = new Map<string, RemoteRepository>();

  constructor(place: Place, client: HttpClient, options: RemoteRepositoryOptions) {
    this.name = place.path === "" ? place.host : `${place.host}/${place.path}`;
    this.#place = place;
    this.#client = client;
    this.#options = options;
  }

  repository(path: string): RemoteRegistryRepository {
    const known = this.#repositories.get(path);
    if (known) return known;
    const { host, path: root } = this.#place;
    const whole = joinPath(root, path);
    const isOfficialImage = isDockerHub(host) && whole !== "" && !whole.includes("/");
    const [below, own] = isOfficialImage ? ["", `library/${whole}`] : [root, path];
    const repository = new RemoteRepository(this.#client, host, below, own, this.#options);
    if (this.#repositories.size >= maxKnown) this.#repositories.clear(); // names may come from anybody, without end
    this.#repositories.set(path, repository);
    return repository;
  }

  /** A repository's path below the place as the host has it: for Docker Hub's own images, below `library/`. */
  pathBelow(path: string): string {
    const { host, path: root } = this.#place;
    return isDockerHub(host) && root === "" && path !== "" && !path.includes("/") ? `library/${path}` : path;
  }

  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    const operation = { registry: this.#place.host, reference: this.name, what: `list repositories of ${this.name}` };
    const paths = listItems(this.#client, {
      url: new URL("/v2/_catalog", this.#client.origin),
      pageSize: repositoriesPerPage,
      itemsOf: (page) => repositoriesOf(page, operation),
      operation,
      scopes: [catalogScope],
      signal,
    });
    for await (const path of paths) {
      const below = this.#below(path);
      if (below !== undefined) yield below;
    }
  }

  async close(): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The path as seen from the root; `undefined` for one outside of it. */
  #below(path: string): string | undefined {
    const root = this.#place.path;
    if (root === "") return path;
    if (path === root) return "";
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
  }
}

/** The repositories of a page of a list. @throws RegistryError `PROTOCOL` */
export function repositoriesOf(page: ClientResponse, operation: Operation): readonly string[] {
  const body = catalogSchema.safeParse(jsonOf(page, operation));
  if (!body.success) throw protocolError(operation, "the answer is no list of repositories");
  const paths = body.data.repositories ?? [];
  const odd = paths.find((path) => !isRepositoryPath(path));
  if (odd !== undefined) throw protocolError(operation, `not a repository: ${JSON.stringify(odd.slice(0, 300))}`);
  return paths;
}
