import { expect, test } from "vitest";
import { scopeSet } from "./scope.ts";
import { TokenCache } from "./token-cache.ts";

const pull = scopeSet(["repository:app:pull"]);
const pushPull = scopeSet(["repository:app:pull,push"]);

test("the very token goes before one that may do more, and a fresh one before a stale one", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "wide", scopes: pushPull, refreshAtMs: 100 });
  cache.put("a", { token: "narrow", scopes: pull, refreshAtMs: 50 });
  expect(cache.find("a", pull, 0)?.token).toBe("narrow");
  expect(cache.find("a", pull, 50)?.token).toBe("wide");
  expect(cache.find("a", pull, 100)?.token).toBe("narrow");
  expect(cache.find("a", pushPull, 0)?.token).toBe("wide");
});

test("a token is for its audience only, and for no more than it was asked for", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "narrow", scopes: pull, refreshAtMs: 100 });
  expect(cache.find("b", pull, 0)).toBeUndefined();
  expect(cache.find("a", pushPull, 0)).toBeUndefined();
});

test("a token that was refused is forgotten wherever it stands", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "same", scopes: pull, refreshAtMs: 100 });
  cache.put("a", { token: "same", scopes: pushPull, refreshAtMs: 100 });
  cache.put("b", { token: "other", scopes: pull, refreshAtMs: 100 });
  cache.forget("same");
  expect(cache.find("a", pull, 0)).toBeUndefined();
  expect(cache.find("b", pull, 0)?.token).toBe("other");
});

test("it holds a thousand tokens; the one that was not used for longest goes", () => {
  const cache = new TokenCache();
  const of = (n: number) => scopeSet([`repository:r${n}:pull`]);
  for (let n = 0; n < 1000; n += 1) cache.put("a", { token: `t${n}`, scopes: of(n), refreshAtMs: 100 });
  expect(cache.find("a", of(0), 0)?.token).toBe("t0");
  cache.put("a", { token: "one more", scopes: of(1000), refreshAtMs: 100 });
  expect(cache.find("a", of(0), 0)?.token).toBe("t0");
  expect(cache.find("a", of(1), 0)).toBeUndefined();
});
