import { type FetchedFile, isRegistryError, RegistryError, type RetryOptions, withRetry } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import { type BringContext, StartOver } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import { parseHttpUrl, shownUrl } from "./http-address.ts";
import { mayPass } from "./transfer-error.ts";

/** How often and after which pauses a file is asked for again. */
export type FileRetryOptions = Pick<RetryOptions, "attempts" | "delayMs" | "throttleWaitMs">;

/** An answer, and the slot it holds with its host. */
interface Exchange {
  readonly answer: FetchedFile;
  end(): Promise<void>;
}

/** The content of an item at one address. For one reader. */
export class HttpContent {
  readonly #url: string;
  readonly #item: DepsItem;
  readonly #context: BringContext;
  #etag: string | undefined;
  #hasRanges = true;
  /** Where an answer ended too early that did not say how long it is. */
  #end = -1;
  /** All of the file, where the rest was asked for. */
  #inHand: Exchange | undefined;

  constructor(url: string, item: DepsItem, context: BringContext) {
    this.#url = url;
    this.#item = item;
    this.#context = context;
  }

  /** Does `attempt` as often as it takes; an attempt that gets further is the first of a new row. @throws what the last one threw */
  async again(attempt: () => Promise<void>, reached: () => number, options: FileRetryOptions): Promise<void> {
    const { signal, progress } = this.#context;
    const onRetry = (error: unknown, _attempt: number, pauseMs: number) => progress.retrying?.(error, pauseMs);
    const shouldRetry = (error: unknown, row: number) => mayPass(error) && (!isNobodyThere(error) || row < 3);
    const once = async () => {
      try {
        await attempt();
      } finally {
        await this.#drop();
      }
    };
    await withRetry(once, { ...options, progress: reached, signal, shouldRetry, onRetry });
  }

  /** The bytes from `offset` on, by one exchange. @throws StartOver; RegistryError; DepsError `HOST_FORBIDDEN`, `URL_INVALID` */
  async *open(offset: number): AsyncGenerator<Uint8Array> {
    if (offset > 0 && !this.#canContinue()) throw new StartOver();
    const exchange = this.#takeInHand() ?? (await this.#ask(offset));
    const { outcome, size, body, etag } = exchange.answer;
    let isDone = true;
    try {
      if (outcome === "beyond") {
        if (size === offset && this.#item.size === undefined) return;
        throw new StartOver();
      }
      if (outcome === "whole" && offset > 0) {
        isDone = false;
        this.#inHand = exchange;
        throw new StartOver();
      }
      this.#etag = etag;
      this.#expect(size);
      let at = offset;
      for await (const chunk of body) {
        yield chunk;
        at += chunk.byteLength;
      }
      this.#requireEnd(at, size ?? this.#item.size);
    } finally {
      if (isDone) await exchange.end();
    }
  }

  async #ask(offset: number): Promise<Exchange> {
    const { slots, signal, progress, access } = this.#context;
    const url = parseHttpUrl(this.#url, this.#item.id);
    this.#admit(url); // nobody waits for a host that is not to be asked
    const slot = await slots.take(url.host, signal);
    try {
      progress.started();
      const answer = await access.files.fetch(this.#url, {
        offset,
        ifRange: offset > 0 ? this.#etag : undefined,
        onAddress: (address) => this.#admit(address),
        signal,
      });
      return {
        answer,
        async end() {
          try {
            await answer[Symbol.asyncDispose]();
          } finally {
            slot[Symbol.dispose]();
          }
        },
      };
    } catch (error) {
      slot[Symbol.dispose]();
      if (offset === 0 || !isRegistryError(error, "PROTOCOL")) throw error;
      this.#hasRanges = false; // another range than the one that was asked for: it may do better with all of it
      throw new StartOver();
    }
  }

  /** Without a digest, only a server that proves who it is, and a range of a version that is known, can be believed. */
  #canContinue(): boolean {
    const isSame = this.#item.digest !== undefined || (this.#etag !== undefined && !this.#etag.startsWith("W/"));
    return this.#hasRanges && isSame;
  }

  #admit(url: URL): void {
    const { id, digest } = this.#item;
    this.#context.access.hosts?.require(url.host, id);
    if (url.protocol !== "http:" || digest !== undefined) return;
    const shown = shownUrl(url);
    const reason = "it is plain http, and no digest says what the file must be";
    throw new DepsError("URL_INVALID", `cannot fetch ${id} from ${shown}: ${reason}`, { item: id, url: shown, reason });
  }

  /** @throws RegistryError `SIZE_MISMATCH` for a file that is too long or too short by what the server says */
  #expect(actual: number | undefined): void {
    if (actual === undefined) return;
    const { id, size: expected } = this.#item;
    if (expected === undefined) this.#context.progress.total(actual);
    else if (actual !== expected) {
      const message = `the server has ${actual} bytes of ${id}, not ${expected}`;
      throw new RegistryError("SIZE_MISMATCH", message, { reference: shownUrl(this.#url), expected, actual });
    }
  }

  /** A body that ends early was cut, unless it ends at the same place again. @throws RegistryError `NETWORK` */
  #requireEnd(at: number, end: number | undefined): void {
    if (end === undefined || at >= end || at <= this.#end) return;
    this.#end = at;
    const details = { registry: new URL(this.#url).host, reference: shownUrl(this.#url), reason: "ENDED_EARLY" };
    throw new RegistryError("NETWORK", `the file ended after ${at} of ${end} bytes`, details);
  }

  #takeInHand(): Exchange | undefined {
    const exchange = this.#inHand;
    this.#inHand = undefined;
    return exchange;
  }

  async #drop(): Promise<void> {
    await this.#takeInHand()?.end();
  }
}

/** Hosts that are not there rarely appear while we wait. */
function isNobodyThere(error: unknown): boolean {
  return isRegistryError(error, "NETWORK") && ["ENOTFOUND", "ECONNREFUSED"].includes(error.details.reason);
}
