import { dirname, resolve } from "node:path";
import { type Digest, digestOf } from "@tranship/registry";
import type { DepsAccess } from "../../access.ts";
import type { CacheState } from "../../cache/cache-state.ts";
import { DepsError, isDepsError } from "../../errors.ts";
import { fetchDocument } from "../../files/fetch-document.ts";
import { shownUrl } from "../../files/http-address.ts";
import { defaultMaxManifestBytes } from "../../json.ts";
import { requirePin, type TrustPolicy } from "../../trust/manifest-trust.ts";
import { type SignatureCheck, signatureInvalid } from "../../trust/signature.ts";
import { isVersion } from "../../trust/version-order.ts";
import type { LoadedManifest } from "../podplane-items.ts";
import { readCached } from "./cached-manifest.ts";
import { type FetchRecord, parseFetchRecord, readKept, readNamed } from "./manifest-bytes.ts";
import type { ManifestSpot } from "./manifest-names.ts";
import type { PodplaneCallOptions, PodplaneDepsOptions } from "./options.ts";

/** A manifest that was loaded: from a local file, from what is kept, or fetched. Nothing is noted in it. */
export interface Loaded<Manifest> extends LoadedManifest<Manifest> {
  readonly spot: ManifestSpot<Manifest>;
  /** As they were published. */
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  /** What is to be known of it from now on, if it was published. */
  readonly record?: FetchRecord | undefined;
  /** The address or file it is from. */
  readonly from: string;
}

/** The largest signature that is read, in bytes. */
const maxSignatureBytes = 64 * 1024;

/** What loading manifests takes. */
export interface LoaderContext extends Pick<PodplaneDepsOptions, "sleep"> {
  readonly access: DepsAccess;
  readonly trust: TrustPolicy;
  readonly now: () => Date;
}

/** What a cache knows of manifests. */
export interface KnownManifests {
  readonly workFolder: string;
  readonly state: Pick<CacheState, "get">;
}

/** Loads manifests, and asks for them only if they may have changed. */
export class ManifestLoader {
  readonly #context: LoaderContext;
  readonly #known: KnownManifests | undefined;
  readonly #options: PodplaneCallOptions;

  /** @param known what the cache knows; `undefined` where there is none yet */
  constructor(context: LoaderContext, known: KnownManifests | undefined, options: PodplaneCallOptions) {
    this.#context = context;
    this.#known = known;
    this.#options = options;
  }

  /**
   * A manifest from a local file.
   * @throws DepsError `FILE_FAILED`, `MANIFEST_PARSE`
   */
  async local<Manifest>(spot: ManifestSpot<Manifest>, path: string): Promise<Loaded<Manifest>> {
    const full = resolve(path);
    this.#tell(`Reading manifest ${spot.stem} from ${full}`);
    const bytes = await readNamed(full, `manifest ${spot.stem}`);
    const manifest = parsed(spot, bytes, full);
    return { spot, manifest, bytes, digest: digestOf(bytes), localFolder: dirname(full), from: full };
  }

  /**
   * A manifest as it is published, or as it was kept if nobody may be asked, or need be.
   * @throws DepsError `OFFLINE`, `PIN_MISMATCH`, `SIGNATURE_INVALID`, `DOWNGRADE`, `URL_INVALID`, `MANIFEST_PARSE`,
   * `NOT_FOUND`, `HTTP_STATUS`, `TRANSFER_FAILED`, `TOO_LARGE`, `HOST_FORBIDDEN`
   */
  async published<Manifest>(spot: ManifestSpot<Manifest>): Promise<Loaded<Manifest>> {
    const pin = this.#context.trust.pinOf(spot.stem);
    const pinned = pin && (await this.#kept(pin));
    if (pin && pinned) return this.#loaded(spot, pinned, pin);
    return this.#options.offline ? this.#offline(spot) : this.#fetched(spot, pin);
  }

  async #offline<Manifest>(spot: ManifestSpot<Manifest>): Promise<Loaded<Manifest>> {
    const { trust } = this.#context;
    const offline = () =>
      new DepsError("OFFLINE", `cannot use manifest ${spot.stem}: it is not kept, and nobody may be asked for it`, {
        item: spot.stem,
      });
    if (trust.pinOf(spot.stem) !== undefined) throw offline();
    const record = this.#recordOf(spot);
    const signature = trust.signatureOf(spot.stem);
    const kept = record && (await this.#kept(record.digest));
    if (record && kept) {
      if (signature) signature.check.require(kept, signatureBytes(record, spot.stem), `manifest ${spot.stem}`);
      return this.#loaded(spot, kept, record.digest, record);
    }
    if (signature) throw offline(); // what others wrote into the cache is signed by nobody
    const cached = await readCached(spot);
    if (cached === undefined) throw offline();
    const { bytes, path } = cached;
    const manifest = parsed(spot, bytes, path);
    return {
      spot,
      manifest,
      bytes,
      digest: digestOf(bytes),
      localFolder: localFolderOf(this.#known, spot),
      from: path,
    };
  }

  async #fetched<Manifest>(spot: ManifestSpot<Manifest>, pin: Digest | undefined): Promise<Loaded<Manifest>> {
    const { stem, url } = spot;
    const { trust, now } = this.#context;
    const name = `manifest ${stem}`;
    trust.requireUrl(url, stem);
    this.#tell(`Fetching ${name} from ${shownUrl(url)}`);
    const record = this.#recordOf(spot);
    const shown = shownUrl(url); // what is noted is carried about, and may hold no secret
    const last = record?.url === shown ? record : undefined; // of elsewhere, nothing follows
    const kept = last?.etag === undefined ? undefined : await this.#kept(last.digest);
    const found = await this.#ask(url, name, defaultMaxManifestBytes, kept && last?.etag);
    const isUnchanged = found === "unchanged";
    const bytes = isUnchanged ? kept : found.bytes;
    if (bytes === undefined)
      throw new DepsError("HTTP_STATUS", `cannot fetch ${name}: unchanged, it says, but nobody said since when`, {
        url: shownUrl(url),
        status: 304,
      });
    if (pin) requirePin(bytes, pin, name);
    const signed = trust.signatureOf(stem);
    const signature = signed && (await this.#signature(spot, bytes, signed, isUnchanged ? last?.signature : undefined));
    const digest = pin ?? digestOf(bytes);
    const etag = isUnchanged ? last?.etag : found.etag;
    const fetchedAt = now().toISOString();
    const loaded = this.#loaded(spot, bytes, digest);
    const version = spot.format.versionOf(loaded.manifest);
    if (last?.version !== undefined) trust.requireNoDowngrade(stem, last.version, version);
    const fetched = {
      digest,
      url: shown,
      version: isVersion(version) ? version : (last?.version ?? version),
      fetchedAt,
      ...(etag === undefined ? {} : { etag }),
      ...(signature === undefined ? {} : { signature }),
    };
    return { ...loaded, record: fetched };
  }

  /** The signature of bytes, in base64, once it is known to be good: that of the last time, or the one that is published. */
  async #signature<Manifest>(
    { url, stem }: ManifestSpot<Manifest>,
    bytes: Uint8Array,
    { check, suffix }: { readonly check: SignatureCheck; readonly suffix: string },
    last: string | undefined,
  ): Promise<string> {
    const name = `manifest ${stem}`;
    if (last !== undefined && isGood(check, bytes, Buffer.from(last, "base64"), name)) return last;
    const found = await this.#ask(`${url}${suffix}`, `signature of ${name}`, maxSignatureBytes).catch(
      (cause: unknown) => {
        if (!isDepsError(cause, "NOT_FOUND")) throw cause;
        throw signatureInvalid(name, `it has no signature at ${shownUrl(`${url}${suffix}`)}`, { cause });
      },
    );
    const signature = found === "unchanged" ? new Uint8Array() : found.bytes;
    check.require(bytes, signature, name);
    return Buffer.from(signature).toString("base64");
  }

  #ask(url: string, item: string, maxBytes: number, ifNoneMatch?: string) {
    const { access, sleep } = this.#context;
    const { signal } = this.#options;
    return fetchDocument(url, { access, item, maxBytes, ifNoneMatch, signal, sleep });
  }

  #loaded<Manifest>(
    spot: ManifestSpot<Manifest>,
    bytes: Uint8Array,
    digest: Digest,
    record?: FetchRecord,
  ): Loaded<Manifest> {
    const from = shownUrl(record?.url ?? spot.url);
    return { spot, manifest: parsed(spot, bytes, from), bytes, digest, record, from };
  }

  #recordOf({ stem }: { readonly stem: string }) {
    return parseFetchRecord(this.#known?.state.get(`manifest/${stem}`));
  }

  async #kept(digest: Digest): Promise<Uint8Array | undefined> {
    return this.#known && readKept(this.#known.workFolder, digest);
  }

  #tell(message: string): void {
    this.#options.onEvent?.({ type: "status", message });
  }
}

/** The folder of the local file that the cached manifest was made of. */
export function localFolderOf(
  known: KnownManifests | undefined,
  { stem }: { readonly stem: string },
): string | undefined {
  const folder = known?.state.get(`local/${stem}`);
  return typeof folder === "string" ? folder : undefined;
}

function parsed<Manifest>(spot: ManifestSpot<Manifest>, bytes: Uint8Array, from: string): Manifest {
  const name = `manifest ${spot.stem} from ${from}`;
  const manifest = spot.format.parse(bytes, { name });
  spot.check?.(manifest, name);
  return manifest;
}

function signatureBytes({ signature }: FetchRecord, stem: string): Uint8Array {
  if (signature !== undefined) return Buffer.from(signature, "base64");
  throw signatureInvalid(`manifest ${stem}`, "it was kept without a signature");
}

function isGood(check: SignatureCheck, bytes: Uint8Array, signature: Uint8Array, name: string): boolean {
  try {
    check.require(bytes, signature, name);
    return true;
  } catch {
    return false;
  }
}
