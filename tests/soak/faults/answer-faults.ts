import type { ProxiedAnswer } from "./proxied-exchange.ts";
import type { RequestKind } from "./request-kind.ts";
import type { Injection, WireFault } from "./wire-fault.ts";

/** Answers with bodies that are read. */
const read: readonly RequestKind[] = ["token", "tags", "referrers", "repositories", "manifest", "blob"];

/** All requests that have an answer. */
const all: readonly RequestKind[] = [
  ...read,
  "manifest head",
  "manifest put",
  "blob head",
  "upload start",
  "upload bytes",
  "upload state",
];

/** Bodies that no digest speaks for: a changed letter may make another list, so they are made unreadable instead. */
const lists: readonly RequestKind[] = ["token", "tags", "referrers", "repositories"];

/** A flipped bit of a manifest or blob is found by its digest; the answer to a token is text of a foreign server. */
const damaged = ["DIGEST_MISMATCH", "SIZE_MISMATCH", "INVALID_MANIFEST", "PROTOCOL", "UNAUTHORIZED"] as const;

/**
 * So long all tokens are good after others have ended, in milliseconds: a client takes the refusal of one it has just been
 * given for a no.
 */
const shortestLifeMs = 1000;

/** What is done to the whole answer of the server behind, where it has a body. */
function onBody(
  act: (answer: ProxiedAnswer, cutAt: number, injection: Injection) => Promise<void> | void,
): NonNullable<WireFault["inject"]> {
  return async (injection) => {
    const { exchange, at, fire } = injection;
    const answer = await exchange.forward();
    if (!answer) return exchange.reset();
    if (exchange.isHead || answer.body.byteLength < 2 || answer.status >= 300) return exchange.answer(answer);
    fire();
    await act(answer, 1 + Math.floor(at * (answer.body.byteLength - 1)), injection);
  };
}

const sized = (answer: ProxiedAnswer): ProxiedAnswer => ({
  ...answer,
  headers: { ...answer.headers, "content-length": String(answer.body.byteLength) },
});

function without(headers: ProxiedAnswer["headers"], ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

/** What can be wrong with an answer that the server behind would have given. */
export const answerFaults: readonly WireFault[] = [
  {
    name: "reset before the head",
    kinds: all,
    codes: ["NETWORK"],
    inject: async ({ exchange, fire }) => {
      fire();
      exchange.reset();
    },
  },
  {
    name: "reset in the head",
    kinds: all,
    codes: ["NETWORK"],
    inject: async ({ exchange, fire }) => {
      fire();
      await exchange.raw("HTTP/1.1 200 OK\r\nContent-Type: applica");
      exchange.reset();
    },
  },
  {
    name: "end in the head",
    kinds: all,
    codes: ["NETWORK"],
    inject: async ({ exchange, fire }) => {
      fire();
      await exchange.raw("HTTP/1.1 200 OK\r\nContent-Length: 1");
      exchange.finish();
    },
  },
  {
    name: "reset in the body",
    kinds: read,
    codes: ["NETWORK"],
    inject: onBody(async (answer, cutAt, { exchange }) => {
      await exchange.raw(exchange.headOf(sized(answer)), answer.body.subarray(0, cutAt));
      exchange.reset();
    }),
  },
  {
    name: "end in the body",
    kinds: read,
    codes: ["NETWORK"],
    inject: onBody(async (answer, cutAt, { exchange }) => {
      await exchange.raw(exchange.headOf(sized(answer)), answer.body.subarray(0, cutAt));
      exchange.finish();
    }),
  },
  {
    name: "shortened body that says so",
    kinds: read,
    codes: [...damaged, "NETWORK"],
    inject: onBody((answer, cutAt, { exchange }) => {
      const isList = lists.includes(exchange.kind);
      const last = isList ? Buffer.from(answer.body).lastIndexOf("}") : answer.body.byteLength;
      exchange.answer(sized({ ...answer, body: answer.body.subarray(0, Math.min(cutAt, last)) }));
    }),
  },
  {
    name: "damaged body",
    kinds: read,
    codes: [...damaged],
    inject: onBody((answer, cutAt, { exchange }) => {
      const body = Uint8Array.from(answer.body);
      const isList = lists.includes(exchange.kind);
      body[cutAt] = isList ? 0 : (body[cutAt] ?? 0) ^ (1 << (cutAt % 8));
      exchange.answer(sized({ ...answer, body }));
    }),
  },
  {
    name: "stall before the head",
    kinds: all,
    codes: ["TIMEOUT"],
    inject: async ({ exchange, fire }) => {
      fire();
      await exchange.silence();
    },
  },
  {
    name: "stall in the body",
    kinds: read,
    codes: ["TIMEOUT"],
    inject: onBody(async (answer, cutAt, { exchange }) => {
      await exchange.raw(exchange.headOf(sized(answer)), answer.body.subarray(0, cutAt));
      await exchange.silence();
    }),
  },
  {
    name: "body without length or end",
    kinds: read,
    codes: ["TIMEOUT"],
    inject: onBody(async (answer, _cutAt, { exchange }) => {
      const headers = { ...without(answer.headers, "content-length", "transfer-encoding"), connection: "close" };
      await exchange.raw(exchange.headOf({ ...answer, headers }), answer.body);
      await exchange.silence();
    }),
  },
  {
    name: "connection left open",
    kinds: read,
    codes: [],
    inject: onBody(async (answer, _cutAt, { exchange }) => {
      const { headers } = sized({ ...answer, headers: without(answer.headers, "transfer-encoding") });
      await exchange.raw(exchange.headOf({ ...answer, headers: { ...headers, connection: "close" } }), answer.body);
      await exchange.silence();
    }),
  },
  {
    name: "slow drip",
    kinds: read,
    codes: [],
    inject: onBody(async (answer, cutAt, { exchange }) => {
      await exchange.drip(sized(answer), 3 + (cutAt % 10), 15);
    }),
  },
  {
    name: "200 that is a page",
    kinds: ["token", "tags", "referrers", "repositories", "manifest"],
    codes: [...damaged, "UNEXPECTED_STATUS"],
    // A registry without the referrers API may say so with a page, and one that always does cannot be told from it.
    applies: ({ kind }, { answered, pagesForReferrers }) =>
      kind !== "referrers" || answered.has("referrers") || pagesForReferrers === 0,
    inject: async ({ exchange, memory, fire }) => {
      if (exchange.kind === "referrers") memory.pagesForReferrers += 1;
      fire();
      const body = Buffer.from("<!doctype html><title>Sign in to the guest network</title>");
      exchange.answer(sized({ status: 200, headers: { "content-type": "text/html" }, body }));
    },
  },
];

/** The answers an overloaded server gives, and how often in a row is the plan's matter. */
export const statusFaults: readonly WireFault[] = [
  statusFault("429 without Retry-After", 429, () => undefined),
  statusFault("429 with Retry-After", 429, (at) => (at < 0.7 ? "0" : "1")),
  statusFault("429 with a date", 429, (at) => new Date(Date.now() + Math.round(at * 2) * 1000).toUTCString()),
  statusFault("429 for an hour", 429, () => "3600"),
  statusFault("429 with nonsense", 429, () => "soon"),
  statusFault("500", 500, () => undefined),
  statusFault("502 page", 502, () => undefined),
  statusFault("503", 503, () => undefined),
  statusFault("503 with Retry-After", 503, (at) => (at < 0.7 ? "0" : "1")),
  statusFault("504", 504, () => undefined),
  {
    name: "401 out of nothing",
    kinds: all,
    codes: ["UNAUTHORIZED", "CREDENTIALS_UNUSABLE"],
    inject: async ({ exchange, fire }) => {
      fire();
      const headers = { "www-authenticate": 'Basic realm="elsewhere"' };
      exchange.answer(sized({ status: 401, headers, body: errorsOf("UNAUTHORIZED") }));
    },
  },
  {
    name: "403 out of nothing",
    kinds: all,
    codes: ["FORBIDDEN", "UNAUTHORIZED"], // of a token server: no token, so not let in
    inject: async ({ exchange, fire }) => {
      fire();
      exchange.answer(sized({ status: 403, headers: {}, body: errorsOf("DENIED") }));
    },
  },
  {
    name: "tokens expired",
    kinds: ["tags", "referrers", "manifest", "manifest head", "manifest put", "blob", "blob head", "upload bytes"],
    codes: [],
    applies: ({ request }, { expiredAtMs }) =>
      request.headers.authorization !== undefined && performance.now() - expiredAtMs > shortestLifeMs,
    inject: async ({ exchange, memory, fire }) => {
      memory.expiredAtMs = performance.now();
      for (const token of memory.seenTokens) memory.expiredTokens.add(token);
      fire();
      const answer = await exchange.forward({ without: ["authorization"] });
      if (answer) exchange.answer(answer);
      else exchange.reset();
    },
  },
];

function statusFault(name: string, status: number, retryAfter: (at: number) => string | undefined): WireFault {
  return {
    name,
    kinds: all,
    codes: [status === 429 ? "RATE_LIMITED" : "SERVER_ERROR"],
    inject: async ({ exchange, at, fire }) => {
      fire();
      const after = retryAfter(at);
      const isPage = name.endsWith("page");
      const body = isPage ? Buffer.from("<html><h1>Bad gateway</h1></html>") : errorsOf("UNKNOWN");
      const headers = {
        "content-type": isPage ? "text/html" : "application/json",
        ...(after === undefined ? {} : { "retry-after": after }),
      };
      exchange.answer(sized({ status, headers, body }));
    },
  };
}

function errorsOf(code: string): Uint8Array {
  return Buffer.from(JSON.stringify({ errors: [{ code, message: "injected on the way" }] }));
}
