import { readPlainHead } from "../../../packages/registry/src/remote/lane/response-head.ts";
import { require, requireBytes, requireSame } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

/** The head of an answer as blobs are fetched with. */
export const responseHeadTarget: FuzzTarget = {
  name: "response-head",
  what: "heads of HTTP answers",
  alphabet: "bytes",
  words: [
    "HTTP/1.1 200 OK",
    "HTTP/1.1 206 Partial Content",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 101 ",
    "HTTP/1.0 200",
    "HTTP/1.1 ",
    "204",
    "304",
    "\r\n",
    "\n",
    "\r",
    "Content-Length: 10",
    "content-length:10",
    "Content-Length: 99999999999999999",
    "Content-Length: +1",
    "Transfer-Encoding: chunked",
    "Connection: close",
    "Connection: keep-alive",
    "Keep-Alive: timeout=5, max=100",
    "Content-Range: bytes 0-9/10",
    "X: ",
    "__proto__: x",
    "constructor: y",
    ": ",
    ":",
    " ",
    "\t",
    "a",
  ],
  maxLength: 32 * 1024,
  judge: (input) => {
    const head = readPlainHead(input);
    if (head === undefined) return false;
    require(!/(?<!\r)\n|\r(?!\n)|\0/.test(input), "a head with a bare line end was taken");
    require(/^HTTP\/1\.1 [1-5]/.test(input), "a head of another version was taken");
    if (head === "interim") return true;
    const { status, headers, bodyBytes, keepsAlive, keepAliveMs } = head;
    require(Number.isInteger(status) && status >= 200 && status < 600, `status ${status} was taken`);
    if (bodyBytes !== undefined) requireBytes(bodyBytes, "the body");
    if (keepAliveMs !== undefined) requireBytes(keepAliveMs, "the time to live");
    require(!keepsAlive || bodyBytes !== undefined, "a body without an end leaves the connection");
    const lengths = input.match(/^content-length:/gim) ?? [];
    require(lengths.length <= 1, "two lengths were taken");
    require(!/^(?:transfer-encoding|upgrade):/im.test(input), "a coded body was taken for a plain one");
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      [value ?? ""].flat().map((one) => `${name}: ${one}`),
    );
    requireSame(readPlainHead([`HTTP/1.1 ${status} x`, ...lines].join("\r\n")), head, "a head written and read again");
    return true;
  },
};
