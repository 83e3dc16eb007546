import { expect, test } from "vitest";
import { resolveLocation } from "./location.ts";

test.for([
  ["http://host/v2/a", "/v2/b?x=1%2F2", "http://host/v2/b?x=1%2F2"],
  ["http://host/v2/a/c", "d", "http://host/v2/a/d"],
  ["http://host/v2/a", "https://other/x", "https://other/x"],
  ["https://host:5000/v2/a", "http://host/v2/b", "https://host:5000/v2/b"],
  ["https://host/v2/a", "//other/x", "https://other/x"],
  ["http://host/", "http://user:secret@other/x#part", "http://other/x"],
] as const)("from %s, %s is %s", ([from, location, expected]) => {
  expect(String(resolveLocation(location, new URL(from)))).toBe(expected);
});

test.for([
  ["https://host/", "http://other/x"],
  ["https://host/", "http://host:8080/x"],
  ["http://host/", "file:///etc/passwd"],
  ["http://host/", "javascript:alert(1)"],
  ["http://host/", "http://["],
] as const)("from %s, %s is refused", ([from, location]) => {
  expect(resolveLocation(location, new URL(from))).toBeTypeOf("string");
});
