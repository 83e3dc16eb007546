import type { ProxiedAnswer } from "./proxied-exchange.ts";
import type { Injection, WireFault } from "./wire-fault.ts";

/** What a server answers to a range, and which part it was. */
interface Ranged {
  readonly answer: ProxiedAnswer;
  readonly start: number;
  readonly end: number;
  readonly total: number;
}

/** Damage shows by length or digest; the other answers are no protocol. */
const codes = ["PROTOCOL", "SIZE_MISMATCH", "DIGEST_MISMATCH", "NETWORK"] as const;

/** A fault of answers to ranges; passes over requests without one, and servers that give none. */
function rangeFault(name: string, act: (ranged: Ranged, injection: Injection) => ProxiedAnswer): WireFault {
  return {
    name,
    kinds: ["blob"],
    codes,
    applies: ({ request }) => request.headers.range !== undefined,
    inject: async (injection) => {
      const { exchange, fire } = injection;
      const answer = await exchange.forward();
      if (!answer) return exchange.reset();
      const told = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+)$/.exec(answer.headers["content-range"] ?? "");
      if (answer.status !== 206 || !told) return exchange.answer(answer);
      const [start = 0, last = 0, total = 0] = told.slice(1).map(Number);
      fire();
      exchange.answer(act({ answer, start, end: last + 1, total }, injection));
    },
  };
}

function saying({ answer }: Ranged, range: string, body: Uint8Array = answer.body): ProxiedAnswer {
  const headers = { ...answer.headers, "content-range": range, "content-length": String(body.byteLength) };
  return { status: 206, headers, body };
}

/** Bytes as long as those that were asked for, and others. */
function others(body: Uint8Array): Uint8Array {
  return Uint8Array.from(body, (byte) => byte ^ 0x5a);
}

/** Ways to answer a range wrongly. */
export const rangeFaults: readonly WireFault[] = [
  rangeFault("206 of another part", (ranged) => {
    const { start, end, total, answer } = ranged;
    return saying(ranged, `bytes ${start}-${end - 1}/${total}`, others(answer.body));
  }),
  rangeFault("206 that says another part", (ranged) => {
    const { start, end, total } = ranged;
    return saying(ranged, `bytes ${Math.max(0, start - 1)}-${end - 2}/${total}`);
  }),
  rangeFault("206 that starts at 0", (ranged) =>
    saying(ranged, `bytes 0-${ranged.answer.body.byteLength - 1}/${ranged.total}`),
  ),
  rangeFault("206 of another total", (ranged) => {
    const { start, end, total } = ranged;
    return saying(ranged, `bytes ${start}-${end - 1}/${total + 7}`);
  }),
  rangeFault("206 that is too short", (ranged) => {
    const { start, total, answer } = ranged;
    const body = answer.body.subarray(0, Math.ceil(answer.body.byteLength / 2));
    return saying(ranged, `bytes ${start}-${start + body.byteLength - 1}/${total}`, body);
  }),
  rangeFault("206 that is too long", (ranged) => {
    const { start, end, total, answer } = ranged;
    return saying(ranged, `bytes ${start}-${end - 1}/${total}`, Buffer.concat([answer.body, answer.body]));
  }),
  rangeFault("206 without Content-Range", ({ answer }) => {
    const { "content-range": _range, ...headers } = answer.headers;
    return { ...answer, headers };
  }),
  rangeFault("416 to a good range", ({ answer }) => ({
    status: 416,
    headers: { ...answer.headers, "content-range": "bytes */0", "content-length": "0" },
    body: new Uint8Array(),
  })),
  {
    name: "200 in place of a range",
    kinds: ["blob"],
    codes: [],
    applies: ({ request }) => request.headers.range !== undefined,
    inject: async ({ exchange, fire }) => {
      const answer = await exchange.forward({ without: ["range"] });
      if (!answer) return exchange.reset();
      fire();
      exchange.answer(answer);
    },
  },
];
