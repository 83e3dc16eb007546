import { expect, test } from "vitest";
import { bareHost, isForbiddenRedirect, isLoopbackHost } from "./private-address.ts";

test.for([
  ["https://registry.example.com/", "http://169.254.169.254/latest/meta-data"],
  ["https://registry.example.com/", "https://127.0.0.1/"],
  ["https://registry.example.com/", "https://localhost/"],
  ["https://registry.example.com/", "https://app.localhost./"],
  ["https://registry.example.com/", "https://10.1.2.3/"],
  ["https://registry.example.com/", "https://172.31.255.255/"],
  ["https://registry.example.com/", "https://192.168.0.1/"],
  ["https://registry.example.com/", "https://100.100.100.200/"],
  ["https://registry.example.com/", "https://0x7f.1/"],
  ["https://registry.example.com/", "https://2130706433/"],
  ["https://registry.example.com/", "https://0/"],
  ["https://registry.example.com/", "https://[::1]/"],
  ["https://registry.example.com/", "https://[::]/"],
  ["https://registry.example.com/", "https://[::ffff:10.0.0.1]/"],
  ["https://registry.example.com/", "https://[::ffff:127.0.0.1]/"],
  ["https://registry.example.com/", "https://[64:ff9b::169.254.169.254]/"],
  ["https://registry.example.com/", "https://[64:ff9b:1::10.0.0.1]/"],
  ["https://registry.example.com/", "https://[2002:a00:1::]/"],
  ["https://registry.example.com/", "https://[2002:a9fe:a9fe::]/"],
  ["https://registry.example.com/", "https://[::192.168.0.1]/"],
  ["https://registry.example.com/", "https://198.19.255.255/"],
  ["https://registry.example.com/", "https://[fd00:ec2::254]/"],
  ["https://registry.example.com/", "https://[fe80::1]/"],
  ["https://registry.example.com/", "https://[fd12:3456::1]/"],
  ["https://8.8.8.8/", "https://10.0.0.1/"],
  ["https://10.0.0.1/", "http://169.254.169.254/"],
  ["https://registry.internal/", "http://169.254.169.254/"],
] as const)("a redirect from %s to %s is refused, with both hosts in the reason", ([from, to]) => {
  const reason = isForbiddenRedirect(new URL(from), new URL(to));
  expect(reason).toContain(new URL(from).host);
  expect(reason).toContain(new URL(to).host);
});

test.for([
  ["https://registry.example.com/", "https://cdn.example.net/"],
  ["https://registry.example.com/", "https://8.8.8.8/"],
  ["https://registry.example.com/", "https://172.32.0.1/"],
  ["https://registry.example.com/", "https://[2606:4700::1111]/"],
  ["https://registry.example.com/", "https://[2002:808:808::1]/"],
  ["https://registry.example.com/", "https://storage.internal/"],
  ["http://127.0.0.1:5000/", "http://127.0.0.1:5001/"],
  ["http://localhost:5000/", "http://10.0.0.1/"],
  ["http://localhost:5000/", "http://169.254.169.254/"],
  ["https://10.0.0.1/", "https://192.168.7.7:9000/"],
  ["https://10.0.0.1/", "https://127.0.0.1:9000/"],
  ["https://registry/", "https://10.0.0.1/"],
  ["https://registry.internal/", "https://10.0.0.1/"],
  ["https://registry.lan/", "https://[fd12:3456::1]/"],
  ["https://169.254.1.1/", "https://169.254.1.2/"],
] as const)("a redirect from %s to %s is allowed", ([from, to]) => {
  expect(isForbiddenRedirect(new URL(from), new URL(to))).toBeUndefined();
});

test.for([
  ["localhost", true],
  ["app.localhost", true],
  ["LOCALHOST.", true],
  ["127.9.8.7", true],
  ["[::1]", true],
  ["[::ffff:127.0.0.1]", true],
  ["localhost.example.com", false],
  ["127.0.0.1.example.com", false],
  ["10.0.0.1", false],
] as const)("that %s is loopback is %s", ([hostname, expected]) => {
  expect(isLoopbackHost(hostname)).toBe(expected);
});

test("a bare host has no brackets, no root's dot and no capitals", () => {
  expect(["[::1]", "Example.COM.", "."].map(bareHost)).toEqual(["::1", "example.com", "."]);
});
