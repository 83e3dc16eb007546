import { describe, expect, test } from "vitest";
import { parseChallenges } from "./challenge.ts";
import { chooseScheme } from "./scheme.ts";

const choose = (header: string, registry: string) => chooseScheme(parseChallenges(header), new URL(registry));

describe("a token server", () => {
  test.for([
    { registry: "https://r.example", realm: "https://auth.example/token", isSafe: true },
    { registry: "https://r.example", realm: "https://r.example:8443/token?x=1", isSafe: true },
    { registry: "http://r.example", realm: "https://auth.example/token", isSafe: true },
    { registry: "http://r.example:5000", realm: "http://r.example:5001/token", isSafe: true },
    { registry: "http://r.example", realm: "http://127.0.0.1:5001/token", isSafe: true },
    { registry: "http://r.example", realm: "http://auth.example/token", isSafe: false },
    { registry: "http://127.0.0.1:5000", realm: "http://auth.example/token", isSafe: false },
  ])("at $realm may get the credentials for $registry: $isSafe", ({ registry, realm, isSafe }) => {
    const scheme = choose(`Bearer realm="${realm}"`, registry);
    expect(scheme).toMatchObject({ kind: "bearer", server: { isSafe, service: undefined } });
  });

  test.for([
    { realm: "http://auth.example/token", why: "without TLS" },
    { realm: "http://r.example/token", why: "without TLS" },
    { realm: "https://user@auth.example/token", why: "user info" },
    { realm: "https://:secret@auth.example/token", why: "user info" },
    { realm: "https://169.254.169.254/token", why: "a link-local address" },
    { realm: "https://10.0.0.1/token", why: "a private address" },
    { realm: "https://127.0.0.1:8443/token", why: "a loopback address" },
    { realm: "https://[::1]/token", why: "a loopback address" },
    { realm: "https://localhost/token", why: "a loopback address" },
    { realm: "/token", why: "no HTTP URL" },
    { realm: "//auth.example/token", why: "no HTTP URL" },
    { realm: "ftp://auth.example/token", why: "no HTTP URL" },
    { realm: "file:///etc/passwd", why: "no HTTP URL" },
    { realm: "javascript:1", why: "no HTTP URL" },
    { realm: "", why: "no HTTP URL" },
  ])("at $realm is not asked for a registry with TLS", ({ realm, why }) => {
    const scheme = choose(`Bearer realm="${realm}"`, "https://r.example");
    expect(scheme).toEqual({ kind: "bearer", server: expect.stringContaining(why), scopes: [] });
    expect(scheme).not.toMatchObject({ server: expect.stringContaining("secret") });
  });
});

test.for([
  { header: 'Basic realm="x"', kind: "basic" },
  { header: 'Basic realm="x", Bearer realm="https://a.example/t"', kind: "bearer" },
  { header: 'Bearer realm="https://a.example/t", Basic realm="x"', kind: "bearer" },
  { header: 'Bearer realm="no", Bearer realm="https://a.example/t"', kind: "bearer" },
  { header: 'Bearer realm="no", Basic realm="x"', kind: "basic" },
  { header: 'Negotiate, NTLM TlRM==, Basic realm="x"', kind: "basic" },
])("of $header the choice is $kind", ({ header, kind }) => {
  expect(choose(header, "https://r.example")).toMatchObject({ kind });
});

test.for([
  { header: "Negotiate", hint: /"negotiate"/ },
  { header: "Negotiate YIIabc==", hint: /"negotiate"/ },
  { header: "X".repeat(500), hint: /"x{40}"/ },
  { header: "", hint: /does not say/ },
])("of $header there is no choice, and the scheme is named", ({ header, hint }) => {
  expect(choose(header, "https://r.example")).toMatch(hint);
});

test("scopes of a challenge that are none, or too many, are left out", () => {
  const scheme = choose('Bearer realm="https://a.example/t",scope="a  \\"b c\\\\d é e"', "https://r.example");
  expect(scheme).toMatchObject({ scopes: ["a", "e"] });
  const many = Array.from({ length: 500 }, (_, n) => `s${n}`).join(" ");
  const bounded = choose(`Bearer realm="https://a.example/t",scope="${many}"`, "https://r.example");
  expect(bounded).toMatchObject({ scopes: expect.objectContaining({ length: 64 }) });
});
