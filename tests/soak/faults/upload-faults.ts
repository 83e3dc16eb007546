import type { RegistryErrorCode } from "@tranship/registry";
import type { RequestKind } from "./request-kind.ts";
import type { WireFault } from "./wire-fault.ts";

const writes: readonly RequestKind[] = ["upload bytes", "manifest put"];
const empty = new Uint8Array();

/** Damage of what no digest in the request speaks for: a registry keeps it under its tag. */
export const manifestDamage = "manifest damaged on its way";

/** What can go wrong with what is written. */
export const uploadFaults: readonly WireFault[] = [
  {
    name: "upload dropped",
    kinds: writes,
    codes: ["NETWORK"],
    applies: ({ bodyBytes }) => bodyBytes > 1,
    inject: async ({ exchange, at, fire }) => {
      fire();
      const most = Math.floor(at * exchange.bodyBytes);
      await exchange.forward({
        body: (chunk, position) => (position + chunk.byteLength > most ? undefined : chunk),
      });
      exchange.reset();
    },
  },
  damaging("upload damaged", "upload bytes"),
  damaging(manifestDamage, "manifest put", "SERVER_ERROR"), // as docker-registry calls some bytes that are none
  {
    name: "upload not taken",
    kinds: writes,
    codes: ["TIMEOUT"],
    inject: async ({ exchange, fire }) => {
      fire();
      exchange.request.pause();
      await exchange.silence();
    },
  },
  {
    name: "answer lost",
    kinds: [...writes, "upload start"],
    codes: ["NETWORK"],
    inject: async ({ exchange, fire }) => {
      const answer = await exchange.forward();
      if (answer) fire();
      exchange.reset();
    },
  },
  {
    name: "answer never given",
    kinds: [...writes, "upload start"],
    codes: ["TIMEOUT"],
    inject: async ({ exchange, fire }) => {
      const answer = await exchange.forward();
      if (!answer) return exchange.reset();
      fire();
      await exchange.silence();
    },
  },
  {
    name: "416 to an upload",
    kinds: ["upload bytes"],
    codes: ["UNEXPECTED_STATUS"],
    inject: async ({ exchange, fire }) => {
      fire();
      exchange.answer({ status: 416, headers: { range: "0-0", "content-length": "0" }, body: empty });
    },
  },
  {
    name: "upload forgotten",
    kinds: ["upload bytes", "upload state"],
    codes: ["UNEXPECTED_STATUS"],
    inject: async ({ exchange, fire }) => {
      fire();
      const body = Buffer.from(JSON.stringify({ errors: [{ code: "BLOB_UPLOAD_UNKNOWN", message: "injected" }] }));
      exchange.answer({ status: 404, headers: { "content-length": String(body.byteLength) }, body });
    },
  },
  {
    name: "upload moved",
    kinds: ["upload start", "upload bytes", "upload state"],
    codes: [],
    inject: async ({ exchange, memory, fire }) => {
      const answer = await exchange.forward();
      if (!answer) return exchange.reset();
      const { location } = answer.headers;
      if (location === undefined || !location.includes("/blobs/uploads/")) return exchange.answer(answer);
      memory.relocations += 1;
      fire();
      const moved = location.replace(/(?:\/moved-[0-9]+)?\/v2\//, `/moved-${memory.relocations}/v2/`);
      exchange.answer({ ...answer, headers: { ...answer.headers, location: moved } });
    },
  },
  {
    name: "answered before the end and closed",
    kinds: ["upload bytes"],
    codes: ["SERVER_ERROR", "NETWORK"],
    applies: ({ bodyBytes }) => bodyBytes > 1,
    inject: async ({ exchange, fire }) => {
      fire();
      await exchange.raw("HTTP/1.1 503 Injected\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      exchange.finish();
    },
  },
];

/** What can go wrong before a request. */
export const connectionFaults: readonly WireFault[] = [
  {
    name: "connection refused with a reset",
    kinds: ["connection"],
    codes: ["NETWORK"],
    connect: (socket) => void socket.resetAndDestroy(),
  },
  {
    name: "connection closed at once",
    kinds: ["connection"],
    codes: ["NETWORK"],
    connect: (socket) => void socket.end().resume(),
  },
  {
    name: "connection never answered",
    kinds: ["connection"],
    codes: ["TIMEOUT"],
    connect: (socket) => void socket.resume().once("end", () => socket.end()),
  },
];

function damaging(name: string, kind: RequestKind, ...more: readonly RegistryErrorCode[]): WireFault {
  return {
    name,
    kinds: [kind],
    codes: ["DIGEST_MISMATCH", "SIZE_MISMATCH", "INVALID_MANIFEST", "UNEXPECTED_STATUS", "PROTOCOL", ...more],
    applies: ({ bodyBytes }) => bodyBytes > 1,
    inject: async ({ exchange, at, fire }) => {
      fire();
      const hit = Math.floor(at * exchange.bodyBytes);
      const answer = await exchange.forward({
        body: (chunk, position) => {
          const index = hit - position;
          if (index < 0 || index >= chunk.byteLength) return chunk;
          const changed = Uint8Array.from(chunk);
          changed[index] = (changed[index] ?? 0) ^ 1;
          return changed;
        },
      });
      if (answer) exchange.answer(answer);
      else exchange.reset();
    },
  };
}
