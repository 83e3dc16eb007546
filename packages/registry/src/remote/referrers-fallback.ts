import * as z from "zod";
import { RegistryError } from "../errors.ts";
import { KeyedLock } from "../keyed-lock.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { defaultMaxManifestBytes, type Manifest } from "../oci/manifest.ts";
import { isIndexMediaType, MediaType, manifestMediaTypes } from "../oci/media-type.ts";
import { referrersTag, type Tag } from "../oci/reference.ts";
import type { Endpoints } from "./endpoints.ts";
import { headerOf } from "./headers.ts";
import type { ClientRequest, HttpClient } from "./http-client.ts";
import { readManifest } from "./manifest-answer.ts";
import { sleep } from "./sleep.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How often a list that others write too is read again, at most. */
const maxRounds = 10;
/** The pause after somebody else was faster, in milliseconds, at most: it is random. */
const longestPauseMs = 250;

/** Answers to a conditional write that came too late. */
const conflicts: readonly number[] = [409, 412];

/** One edit of a list at a time in this process, whichever client it goes through. */
const editing = new KeyedLock();

/** Entries are kept as they are, whoever wrote them: only their digests matter here. */
const entrySchema = z.looseObject({ digest: z.string() });
const indexSchema = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().refine(isIndexMediaType, "is no index").optional(),
  manifests: z.array(entrySchema).nullish(),
});

type Entry = z.infer<typeof entrySchema>;
type FallbackIndex = z.infer<typeof indexSchema>;

/** A manifest that refers to another: its subject, and how a list of referrers names it. */
export interface Referrer {
  readonly subject: Digest;
  readonly entry: Descriptor;
}

const referrerSchema = z.object({
  subject: z.object({ digest: z.string().refine((text): text is Digest => isDigest(text)) }),
  artifactType: z.string().optional().catch(undefined),
  config: z.object({ mediaType: z.string() }).optional().catch(undefined),
  annotations: z.record(z.string(), z.string()).optional().catch(undefined),
});

/**
 * What `manifest` refers to, if anything.
 * @see distribution-spec v1.1.1, "Pushing Manifests with Subject"
 */
export function referrerOf({ descriptor, bytes }: Manifest): Referrer | undefined {
  const parsed = referrerSchema.safeParse(parseJson(bytes));
  if (!parsed.success) return undefined;
  const { subject, config, annotations } = parsed.data;
  const artifactType = parsed.data.artifactType || config?.mediaType;
  const { mediaType, digest, size } = descriptor;
  return {
    subject: subject.digest as Digest,
    entry: {
      mediaType,
      digest,
      size,
      ...(artifactType ? { artifactType } : {}),
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

/**
 * Lists `referrer` under the fallback tag of its subject, once. What others have listed there stays.
 * @throws RegistryError `INVALID_MANIFEST` when the tag names something that is no index
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export async function addToFallback(
  client: HttpClient,
  endpoints: Endpoints,
  { subject, entry }: Referrer,
  signal?: AbortSignal,
): Promise<void> {
  const add = (entries: readonly Entry[]) =>
    entries.some(({ digest }) => digest === entry.digest) ? undefined : [...entries, { ...entry }];
  await editFallback(client, endpoints, subject, add, signal);
}

/** Takes a referrer that is gone out of the fallback tag's list, if there is one. */
export async function removeFromFallback(
  client: HttpClient,
  endpoints: Endpoints,
  { subject, entry }: Referrer,
  signal?: AbortSignal,
): Promise<void> {
  const remove = (entries: readonly Entry[]) => {
    const left = entries.filter(({ digest }) => digest !== entry.digest);
    return left.length === entries.length ? undefined : left;
  };
  await editFallback(client, endpoints, subject, remove, signal);
}

/**
 * Reads, edits and writes the list until it is as `edit` wants it: `undefined` says that it is. Registries that know
 * conditional requests refuse the slower of two writers; with the others, a look afterwards tells who was it.
 */
async function editFallback(
  client: HttpClient,
  endpoints: Endpoints,
  subject: Digest,
  edit: (entries: readonly Entry[]) => readonly Entry[] | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const list = new FallbackList(client, endpoints, subject, signal);
  const work = async () => {
    for (let round = 1; round <= maxRounds; round += 1) {
      const found = await list.read();
      const entries = edit(found.entries);
      if (!entries) return;
      const pauseMs = Math.random() * longestPauseMs;
      if (!(await list.write(found, entries))) await sleep(pauseMs, signal);
    }
    throw list.contested();
  };
  await unlessAborted(() => editing.run(list.name, work), signal);
}

interface FoundList {
  /** Unknown fields included. */
  readonly index: FallbackIndex;
  readonly entries: readonly Entry[];
  readonly mediaType: string;
  /** Makes a write fail when somebody else was faster. */
  readonly condition: Readonly<Record<string, string>>;
}

/** The list of referrers under one fallback tag, as a document to edit. */
class FallbackList {
  /** `host/path:tag`. */
  readonly name: string;
  readonly #tag: Tag;
  readonly #request: Pick<ClientRequest, "url" | "operation" | "lane" | "scopes" | "signal">;
  readonly #client: HttpClient;

  constructor(client: HttpClient, endpoints: Endpoints, subject: Digest, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#tag = referrersTag(subject);
    const operation = endpoints.operation("update the list of referrers", this.#tag);
    this.name = operation.reference;
    const scopes = endpoints.scope("pull", "push");
    this.#request = { url: endpoints.manifest(this.#tag), operation, lane: "meta", scopes, signal };
  }

  /** @throws RegistryError `INVALID_MANIFEST` when there is something else */
  async read(): Promise<FoundList> {
    // every type is accepted: some registries hide what is not, and it would be overwritten
    const headers = { accept: manifestMediaTypes.join(", ") };
    const maxBodyBytes = defaultMaxManifestBytes;
    const request = { ...this.#request, method: "GET" as const, headers, expect: [200, 404], maxBodyBytes };
    const answer = await this.#client.ask(request);
    const mediaType = MediaType.ociIndex;
    if (answer.status === 404) {
      const index = { schemaVersion: 2 as const, mediaType };
      return { index, entries: [], mediaType, condition: { "if-none-match": "*" } };
    }
    const { descriptor } = readManifest(answer, this.#tag, this.#request.operation);
    if (!isIndexMediaType(descriptor.mediaType)) throw this.#notAList(`it is ${descriptor.mediaType}`);
    const json = parseJson(answer.body);
    const parsed = indexSchema.safeParse(json);
    if (!parsed.success) throw this.#notAList("it has the wrong shape", parsed.error);
    const etag = headerOf(answer.headers, "etag");
    const condition: Record<string, string> = etag?.startsWith('"') ? { "if-match": etag } : {}; // a weak one matches nothing
    const index = json as FallbackIndex; // as it was written: a parsed one has its fields in another order
    return { index, entries: index.manifests ?? [], mediaType: descriptor.mediaType, condition };
  }

  /** `false`: somebody else was faster. */
  async write({ index, mediaType, condition }: FoundList, manifests: readonly Entry[]): Promise<boolean> {
    const body = new TextEncoder().encode(JSON.stringify({ ...index, manifests }));
    const headers = { "content-type": mediaType, ...condition };
    const expect = [201, 200, 202, ...conflicts];
    const { status } = await this.#client.ask({ ...this.#request, method: "PUT", headers, body, expect });
    return !conflicts.includes(status);
  }

  /** What to throw when it cannot be brought to rest. */
  contested(): RegistryError {
    const { registry, reference, what } = this.#request.operation;
    const message = `cannot ${what}: others kept changing it`;
    return new RegistryError("UNEXPECTED_STATUS", message, { registry, reference, status: 412 });
  }

  #notAList(reason: string, cause?: unknown): RegistryError {
    const { reference, what } = this.#request.operation;
    const message = `cannot ${what}: what the tag names is no such list, ${reason}`;
    return new RegistryError("INVALID_MANIFEST", message, { reference, reason }, { cause });
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
