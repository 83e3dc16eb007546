import { expect, test } from "vitest";
import { readPlainHead } from "./response-head.ts";

const lines = (...all: readonly string[]) => all.join("\r\n");

test.for([
  { name: "a body with a length", text: lines("HTTP/1.1 200 OK", "Content-Length: 12"), bodyBytes: 12, keeps: true },
  { name: "no reason", text: lines("HTTP/1.1 200", "content-length:0"), bodyBytes: 0, keeps: true },
  { name: "a body up to the end", text: lines("HTTP/1.1 200 OK", "x: y"), bodyBytes: undefined, keeps: false },
  { name: "no body", text: lines("HTTP/1.1 304 Not Modified", "content-length: 5"), bodyBytes: 0, keeps: true },
  {
    name: "a connection that closes",
    text: lines("HTTP/1.1 206 Partial Content", "content-length: 5", "connection: Close"),
    bodyBytes: 5,
    keeps: false,
  },
] as const)("a head with $name is read", ({ text, bodyBytes, keeps }) => {
  expect(readPlainHead(text)).toMatchObject({ bodyBytes, keepsAlive: keeps });
});

test("headers are by their names in lower case, without blanks around them, repeated ones in a list", () => {
  const head = readPlainHead(lines("HTTP/1.1 401 No", "Content-Length: 0", "X-A: \t one ", "x-a: two", "X-B:"));
  expect(head).toMatchObject({ status: 401, headers: { "content-length": "0", "x-a": ["one", "two"], "x-b": "" } });
});

test("how long a connection is kept is read from what the server says", () => {
  const head = readPlainHead(lines("HTTP/1.1 200 OK", "content-length: 1", "keep-alive: max=5, timeout=7"));
  expect(head).toMatchObject({ keepAliveMs: 7000 });
});

test.for(["100 Continue", "103 Early Hints", "102"])("a head of %s announces another one", (status) => {
  expect(readPlainHead(lines(`HTTP/1.1 ${status}`, "link: </x>"))).toBe("interim");
});

test.for([
  ["an older version", lines("HTTP/1.0 200 OK", "content-length: 1")],
  ["a newer version", lines("HTTP/2 200", "content-length: 1")],
  ["another protocol", "SSH-2.0-OpenSSH"],
  ["a status of two digits", lines("HTTP/1.1 20 OK", "content-length: 1")],
  ["a status of 000", lines("HTTP/1.1 000 OK", "content-length: 1")],
  ["another protocol to go on with", lines("HTTP/1.1 101 Switching Protocols", "upgrade: h2c")],
  ["chunks", lines("HTTP/1.1 200 OK", "transfer-encoding: chunked")],
  ["chunks and a length", lines("HTTP/1.1 200 OK", "content-length: 5", "Transfer-Encoding: gzip, chunked")],
  ["two lengths", lines("HTTP/1.1 200 OK", "content-length: 5", "content-length: 6")],
  ["the same length twice", lines("HTTP/1.1 200 OK", "content-length: 5", "content-length: 5")],
  ["a list of lengths", lines("HTTP/1.1 200 OK", "content-length: 5, 5")],
  ["a length with a sign", lines("HTTP/1.1 200 OK", "content-length: +5")],
  ["a length of 16 digits", lines("HTTP/1.1 200 OK", "content-length: 1000000000000000")],
  ["a header over two lines", lines("HTTP/1.1 200 OK", "x: a", " b", "content-length: 1")],
  ["a blank before the colon", lines("HTTP/1.1 200 OK", "content-length : 1")],
  ["a line without a colon", lines("HTTP/1.1 200 OK", "hello", "content-length: 1")],
  ["a bare line feed", "HTTP/1.1 200 OK\ncontent-length: 1"],
  ["a bare carriage return", lines("HTTP/1.1 200 OK", "x: a\rcontent-length: 2", "content-length: 1")],
  ["a zero byte", lines("HTTP/1.1 200 OK", "x: a\0b", "content-length: 1")],
  ["an empty name", lines("HTTP/1.1 200 OK", ": 5", "content-length: 1")],
  ["very many headers", lines("HTTP/1.1 200 OK", ...Array.from({ length: 201 }, (_, n) => `x-${n}: 1`))],
  ["nothing", ""],
] as const)("a head with %s is left to another reader", ([, text]) => {
  expect(readPlainHead(text)).toBeUndefined();
});

test("a name that is one of every object's is a header like others", () => {
  const head = readPlainHead(lines("HTTP/1.1 200 OK", "__proto__: x", "constructor: y", "content-length: 1"));
  expect(head).toMatchObject({ status: 200, bodyBytes: 1 });
  expect(Object.keys((head as { headers: object }).headers)).toEqual(["__proto__", "constructor", "content-length"]);
});
