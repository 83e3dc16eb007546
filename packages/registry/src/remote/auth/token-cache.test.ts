import { expect, test } from "vitest";
import { scopeSet } from "./scope.ts";
import { TokenCache } from "./token-cache.ts";

const pull = scopeSet(["repository:app:pull"]);
const pushPull = scopeSet(["repository:app:pull,push"]);

test("the very token goes before one that may do more, and a fresh one before a stale one", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "wide", scopes: pushPull, refreshAtMs: 100, fetchedAtMs: 0 });
  cache.put("a", { token: "narrow", scopes: pull, refreshAtMs: 50, fetchedAtMs: 0 });
  expect(cache.find("a", pull, 0)?.token).toBe("narrow");
  expect(cache.find("a", pull, 50)?.token).toBe("wide");
  expect(cache.find("a", pull, 100)?.token).toBe("narrow");
  expect(cache.find("a", pushPull, 0)?.token).toBe("wide");
});

test("a token is for its audience only, and for no more than it was asked for", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "narrow", scopes: pull, refreshAtMs: 100, fetchedAtMs: 0 });
  expect(cache.find("b", pull, 0)).toBeUndefined();
  expect(cache.find("a", pushPull, 0)).toBeUndefined();
});

test("a token that was refused is forgotten wherever it stands", () => {
  const cache = new TokenCache();
  cache.put("a", { token: "same", scopes: pull, refreshAtMs: 100, fetchedAtMs: 0 });
  cache.put("a", { token: "same", scopes: pushPull, refreshAtMs: 100, fetchedAtMs: 0 });
  cache.put("b", { token: "other", scopes: pull, refreshAtMs: 100, fetchedAtMs: 0 });
  cache.forget("same", pull);
  expect(cache.find("a", pull, 0)).toBeUndefined();
  expect(cache.find("b", pull, 0)?.token).toBe("other");
});

test("with a token that was refused go those for the same that were there before it was used, and no others", () => {
  const cache = new TokenCache();
  const [other, both] = [
    scopeSet(["repository:other:pull"]),
    scopeSet(["repository:app:pull", "repository:other:pull"]),
  ];
  cache.put("a", { token: "refused", scopes: pull, refreshAtMs: 100, fetchedAtMs: 0 });
  cache.put("a", { token: "as old", scopes: both, refreshAtMs: 100, fetchedAtMs: 10 });
  cache.put("a", { token: "for another", scopes: other, refreshAtMs: 100, fetchedAtMs: 10 });
  cache.put("b", { token: "of another", scopes: both, refreshAtMs: 100, fetchedAtMs: 10 });
  expect(cache.find("a", pull, 20)?.token).toBe("refused");
  cache.put("a", { token: "newer", scopes: pushPull, refreshAtMs: 100, fetchedAtMs: 21 });
  cache.forget("refused", pull);
  expect(cache.find("a", pull, 30)?.token).toBe("newer");
  expect(cache.find("a", both, 30)).toBeUndefined();
  expect(cache.find("a", other, 30)?.token).toBe("for another");
  expect(cache.find("b", pull, 30)?.token).toBe("of another");
});

test("so it is for each request that the refused one was sent with, and whoever asks again is not held to it", () => {
  const cache = new TokenCache();
  const other = scopeSet(["repository:other:pull"]);
  const both = scopeSet(["repository:app:pull", "repository:other:pull"]);
  cache.put("a", { token: "as old", scopes: other, refreshAtMs: 100, fetchedAtMs: 5 });
  cache.put("a", { token: "refused", scopes: both, refreshAtMs: 100, fetchedAtMs: 0 });
  expect(cache.find("a", both, 10)?.token).toBe("refused");
  cache.forget("refused", pull);
  cache.forget("refused", other);
  expect(cache.find("a", other, 20)).toBeUndefined();
  cache.put("a", { token: "new", scopes: other, refreshAtMs: 100, fetchedAtMs: 20 });
  cache.forget("refused", other);
  expect(cache.find("a", other, 30)?.token).toBe("new");
});

test("it holds a thousand tokens; the one that was not used for longest goes", () => {
  const cache = new TokenCache();
  const of = (n: number) => scopeSet([`repository:r${n}:pull`]);
  for (let n = 0; n < 1000; n += 1) cache.put("a", { token: `t${n}`, scopes: of(n), refreshAtMs: 100, fetchedAtMs: 0 });
  expect(cache.find("a", of(0), 0)?.token).toBe("t0");
  cache.put("a", { token: "one more", scopes: of(1000), refreshAtMs: 100, fetchedAtMs: 0 });
  expect(cache.find("a", of(0), 0)?.token).toBe("t0");
  expect(cache.find("a", of(1), 0)).toBeUndefined();
});
