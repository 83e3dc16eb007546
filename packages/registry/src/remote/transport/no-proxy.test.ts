import { expect, test } from "vitest";
import { parseNoProxy } from "./no-proxy.ts";

test.for([
  ["*", "anything.example", 443, true],
  ["example.com", "example.com", 443, true],
  ["example.com", "EXAMPLE.com.", 443, true],
  ["Example.Com", "registry.example.com", 443, true],
  ["example.com", "badexample.com", 443, false],
  ["example.com", "example.com.evil.org", 443, false],
  [".example.com", "registry.example.com", 443, true],
  [".example.com", "example.com", 443, false],
  ["*.example.com", "a.b.example.com", 443, true],
  ["*.example.com", "example.com", 443, false],
  ["other.org, example.com ,", "example.com", 443, true],
  ["example.com:5000", "example.com", 5000, true],
  ["example.com:5000", "example.com", 443, false],
  ["10.1.2.3", "10.1.2.3", 443, true],
  ["10.1.2.3:5000", "10.1.2.3", 443, false],
  ["10.1.2.3:5000", "10.1.2.3", 5000, true],
  ["10.0.0.0/8", "10.200.0.1", 443, true],
  ["10.0.0.0/8", "11.0.0.1", 443, false],
  ["10.0.0.0/8", "10.example.com", 443, false],
  ["10.0.0.0/8", "[::ffff:a00:1]", 443, true],
  ["10.0.0.0/33", "10.0.0.1", 443, false],
  ["fd00::/8", "[fd12::1]", 443, true],
  ["fd12::1", "[fd12::1]", 443, true],
  ["[fd12::1]:5000", "[fd12::1]", 5000, true],
  ["[fd12::1]:5000", "[fd12::1]", 443, false],
  ["", "example.com", 443, false],
  [" , .", "example.com", 443, false],
  ["no/cidr", "no", 443, false],
] as const)("NO_PROXY=%s spares %s:%i the proxy: %s", ([text, host, port, expected]) => {
  expect(parseNoProxy(text)(host, port)).toBe(expected);
});
