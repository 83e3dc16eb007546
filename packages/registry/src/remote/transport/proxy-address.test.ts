import { expect, test } from "vitest";
import { type Environment, parseProxy, proxyFromEnvironment } from "./proxy-address.ts";

const choices: readonly (readonly [Environment, string, string | undefined])[] = [
  [{ HTTPS_PROXY: "http://p:1" }, "https://registry.example.com", "p:1"],
  [{ https_proxy: "http://p:1" }, "https://registry.example.com", "p:1"],
  [{ https_proxy: "http://lower:1", HTTPS_PROXY: "http://upper:1" }, "https://registry.example.com", "lower:1"],
  [{ https_proxy: "", HTTPS_PROXY: "http://upper:1" }, "https://registry.example.com", "upper:1"],
  [{ HTTP_PROXY: "http://p:1" }, "https://registry.example.com", undefined],
  [{ HTTP_PROXY: "http://p:1" }, "http://registry.example.com:5000", "p:1"],
  [{ http_proxy: "proxy.internal:3128" }, "http://registry.example.com", "proxy.internal:3128"],
  [{ http_proxy: "proxy.internal" }, "http://registry.example.com", "proxy.internal:80"],
  [{ https_proxy: "https://proxy.internal" }, "https://registry.example.com", "proxy.internal:443"],
  [{ https_proxy: "http://p:1", no_proxy: ".example.com" }, "https://registry.example.com", undefined],
  [{ https_proxy: "http://p:1", NO_PROXY: "registry.example.com:443" }, "https://registry.example.com", undefined],
  [{ https_proxy: "http://p:1", NO_PROXY: "registry.example.com:80" }, "https://registry.example.com", "p:1"],
  [{ https_proxy: "http://p:1", no_proxy: "other", NO_PROXY: "*" }, "https://registry.example.com", "p:1"],
  [{ http_proxy: "http://p:1" }, "http://localhost:5000", undefined],
  [{ http_proxy: "http://p:1" }, "http://127.0.0.1:5000", undefined],
  [{ http_proxy: "http://p:1" }, "http://[::1]:5000", undefined],
  [{ http_proxy: "http://p:1" }, "http://10.0.0.1:5000", "p:1"],
  [{}, "https://registry.example.com", undefined],
];

test.for(choices)("with %o, %s is reached through %s", ([env, origin, expected]) => {
  expect(proxyFromEnvironment(env)(new URL(origin))?.name).toBe(expected);
});

test("a proxy's credentials are kept apart from its URL", () => {
  const proxy = parseProxy("http://me:p%40ss@proxy.internal:3128/path?query", "registry.example.com");
  expect(proxy).toEqual({
    url: new URL("http://proxy.internal:3128"),
    name: "proxy.internal:3128",
    authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
  });
});

test("a proxy may want a user without a password", () => {
  expect(parseProxy("me@proxy.internal", "r").authorization).toBe(`Basic ${Buffer.from("me:").toString("base64")}`);
});

test.for(["http://me:secret@", "socks5://me:secret@proxy:1080", "http://me:secret@proxy:99999", "http://me:secret%@p"])(
  "refuses %s, and shows nothing of it",
  (text) => {
    const refused = expect.objectContaining({
      code: "UNSUPPORTED",
      message: expect.not.stringMatching(/secret|me:/),
    });
    expect(() => parseProxy(text, "registry.example.com")).toThrow(refused);
  },
);
