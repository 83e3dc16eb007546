import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { isRegistryError, RegistryError } from "../errors.ts";
import { KeyedLock } from "../keyed-lock.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { defaultMaxManifestBytes, type Manifest } from "../oci/manifest.ts";
import { isIndexMediaType, MediaType, manifestMediaTypes } from "../oci/media-type.ts";
import { referrersTag, type Tag } from "../oci/reference.ts";
import type { Endpoints } from "./endpoints.ts";
import { headerOf } from "./headers.ts";
import type { ClientRequest, HttpClient } from "./http-client.ts";
import { readManifest, requireStoredBytes } from "./manifest-answer.ts";
import { maxDamages, retryDamaged } from "./manifest-damage.ts";
import { sleep } from "./sleep.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How often a list that others write too is read again, at most. */
const maxRounds = 10;
/** How many entries that only differ in their digests are asked for, at most. */
const maxTwins = 16;
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
 * Lists `referrer` under the fallback tag of its subject, once. What others have listed there stays; what damage on the way
 * has made of an entry for `referrer` does not.
 * @throws RegistryError `INVALID_MANIFEST` when the tag names something that is no index
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export async function addToFallback(
  client: HttpClient,
  endpoints: Endpoints,
  { subject, entry }: Referrer,
  signal?: AbortSignal,
): Promise<void> {
  const add = async (entries: readonly Entry[]) => {
    const own = entries.findIndex(({ digest }) => digest === entry.digest);
    const there = entries[own];
    if (there && describes(there, entry)) return undefined;
    if (there) return entries.with(own, { ...there, ...entry });
    const twins = entries.filter((other) => isTwin(other, entry)).slice(0, maxTwins);
    const gone = new Set<Entry>();
    for (const twin of twins) if (!(await isThere(client, endpoints, twin.digest, signal))) gone.add(twin);
    return [...entries.filter((other) => !gone.has(other)), { ...entry }];
  };
  await editFallback(client, endpoints, subject, add, signal);
}

/** Whether what a list says of a manifest leads to it. */
function describes(listed: Entry, { mediaType, size }: Descriptor): boolean {
  return listed.mediaType === mediaType && listed.size === size;
}

/** The same but for its digest: another referrer of its kind, or this one in a list that was damaged on its way. */
function isTwin({ digest: _listed, ...listed }: Entry, { digest: _own, ...own }: Descriptor): boolean {
  return isDeepStrictEqual(listed, own);
}

/** Whether the registry has a manifest that a list of its names. */
async function isThere(
  client: HttpClient,
  endpoints: Endpoints,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!isDigest(digest)) return true; // nobody can ask for it
  const operation = endpoints.operation("look for the listed referrer", digest);
  const headers = { accept: manifestMediaTypes.join(", ") };
  const scopes = endpoints.scope("pull");
  const request = { method: "HEAD" as const, url: endpoints.manifest(digest), operation, headers, scopes, signal };
  return (await client.ask({ ...request, lane: "meta", expect: [200, 404] })).status === 200;
}

/** Takes a referrer that is gone out of the fallback tag's list, if there is one. */
export async function removeFromFallback(
  client: HttpClient,
  endpoints: Endpoints,
  { subject, entry }: Referrer,
  signal?: AbortSignal,
): Promise<void> {
  const remove = async (entries: readonly Entry[]) => {
    const left = entries.filter(({ digest }) => digest !== entry.digest);
    return left.length === entries.length ? undefined : left;
  };
  await editFallback(client, endpoints, subject, remove, signal);
}

/**
 * Reads, edits and writes the list until it is as `edit` wants it: `undefined` says that it is. Registries that know
 * conditional requests refuse the slower of two writers; with the others, a look afterwards tells who was it. A list that
 * arrived damaged is written once more as it was meant, unless somebody has changed it since.
 * @throws RegistryError `DIGEST_MISMATCH` when it arrives damaged again and again
 */
async function editFallback(
  client: HttpClient,
  endpoints: Endpoints,
  subject: Digest,
  edit: (entries: readonly Entry[]) => Promise<readonly Entry[] | undefined>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const list = new FallbackList(client, endpoints, subject, signal);
  const work = async () => {
    let damages = 0;
    let meant: MeantList | undefined;
    for (let round = 1; round <= maxRounds; round += 1) {
      const read = await list.read();
      const isDamaged = meant !== undefined && meant.arrivedAs === read.digest;
      const found = isDamaged ? { ...read, ...meant } : read;
      const edited = await edit(found.entries);
      if (!edited && !isDamaged) return;
      const entries = edited ?? found.entries;
      const pauseMs = Math.random() * longestPauseMs;
      const outcome = await list.write(found, entries);
      if (outcome === "late") await sleep(pauseMs, signal);
      if (!isRegistryError(outcome, "DIGEST_MISMATCH")) continue;
      damages += 1;
      if (damages > maxDamages) throw outcome;
      const { index, mediaType } = found;
      meant = { index, mediaType, entries, arrivedAs: outcome.details.actual };
    }
    throw list.contested();
  };
  await unlessAborted(() => editing.run(list.name, work), signal);
}

interface FoundList {
  /** Of its bytes; absent where there is none. */
  readonly digest?: Digest;
  /** Unknown fields included. */
  readonly index: FallbackIndex;
  readonly entries: readonly Entry[];
  readonly mediaType: string;
  /** Makes a write fail when somebody else was faster. */
  readonly condition: Readonly<Record<string, string>>;
}

/** A list as it was sent, and what the registry says to have got in its place. */
interface MeantList extends Pick<FoundList, "index" | "entries" | "mediaType"> {
  readonly arrivedAs: string;
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

  /** @throws RegistryError `INVALID_MANIFEST` when there is something else, `DIGEST_MISMATCH` when it comes damaged each time */
  async read(): Promise<FoundList> {
    const { operation, signal } = this.#request;
    return await this.#client.retrying(operation, () => this.#read(), { signal, shouldRetry: retryDamaged() });
  }

  async #read(): Promise<FoundList> {
    // every type is accepted: some registries hide what is not, and it would be overwritten
    const headers = { accept: manifestMediaTypes.join(", ") };
    const maxBodyBytes = defaultMaxManifestBytes;
    const request = { ...this.#request, method: "GET" as const, headers, expect: [200, 404], maxBodyBytes };
    const answer = await this.#client.send(request);
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
    const { digest, mediaType: own } = descriptor;
    return { digest, index, entries: index.manifests ?? [], mediaType: own, condition };
  }

  /** Late is who lets somebody else be faster; an error is that of a list that arrived damaged, and is there now. */
  async write(
    { index, mediaType, condition }: FoundList,
    manifests: readonly Entry[],
  ): Promise<"taken" | "late" | RegistryError<"DIGEST_MISMATCH">> {
    const body = new TextEncoder().encode(JSON.stringify({ ...index, manifests }));
    const headers = { "content-type": mediaType, ...condition };
    const expect = [201, 200, 202, ...conflicts];
    const { operation, signal } = this.#request;
    const put = () => this.#client.send({ ...this.#request, method: "PUT", headers, body, expect });
    const answer = await this.#client.retrying(operation, put, { signal, shouldRetry: retryDamaged() });
    if (conflicts.includes(answer.status)) return "late";
    try {
      requireStoredBytes(body, answer, operation);
      return "taken";
    } catch (error) {
      if (isRegistryError(error, "DIGEST_MISMATCH")) return error;
      throw error;
    }
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
