import fc from "fast-check";
import { expect, test } from "vitest";
import { coversScopes, repositoryOf, scopeSet } from "./scope.ts";

test.for([
  { scopes: [], merged: [] },
  { scopes: ["repository:a:pull", "repository:a:push"], merged: ["repository:a:pull,push"] },
  { scopes: ["repository:a:push,pull", "repository:a:pull"], merged: ["repository:a:pull,push"] },
  { scopes: ["repository:b:pull", "repository:a:pull"], merged: ["repository:a:pull", "repository:b:pull"] },
  {
    scopes: ["repository:host:5000/a:pull", "registry:catalog:*"],
    merged: ["registry:catalog:*", "repository:host:5000/a:pull"],
  },
  { scopes: ["repository(plugin):a:pull"], merged: ["repository(plugin):a:pull"] },
  { scopes: ["aws", "aws", "openid"], merged: ["aws", "openid"] },
])("$scopes are merged to $merged", ({ scopes, merged }) => {
  expect(scopeSet(scopes).scopes).toEqual(merged);
});

test.for([
  { have: ["repository:a:pull,push"], wanted: ["repository:a:pull"], covers: true },
  { have: ["repository:a:pull"], wanted: ["repository:a:pull,push"], covers: false },
  { have: ["repository:a:pull"], wanted: ["repository:ab:pull"], covers: false },
  { have: ["repository:a:pull", "repository:b:pull"], wanted: ["repository:b:pull"], covers: true },
  { have: ["repository:a:pull"], wanted: [], covers: true },
  { have: [], wanted: ["aws"], covers: false },
  { have: ["aws"], wanted: ["aws"], covers: true },
])("leave for $have is leave for $wanted: $covers", ({ have, wanted, covers }) => {
  expect(coversScopes(scopeSet(have), scopeSet(wanted))).toBe(covers);
});

test("merging loses nothing, and merging again changes nothing", () => {
  const scopes = fc.array(fc.oneof(fc.string(), fc.stringMatching(/^repository:[ab]:(?:pull|push)(?:,delete)?$/)));
  fc.assert(
    fc.property(scopes, scopes, (one, other) => {
      const merged = scopeSet(one, other);
      expect(coversScopes(merged, scopeSet(one))).toBe(true);
      expect(coversScopes(merged, scopeSet(other))).toBe(true);
      expect(scopeSet(merged.scopes).scopes).toEqual(merged.scopes);
      expect(scopeSet(other, one).scopes).toEqual(merged.scopes);
    }),
  );
});

test.for([
  [["repository:lib/app:pull,push"], "lib/app"],
  [["registry:catalog:*", "repository:app:pull", "repository:other:pull"], "app"],
  [["repository(plugin):app:pull"], "app"],
  [["registry:catalog:*"], undefined],
  [[], undefined],
] as const)("%j is about the repository %s", ([scopes, repository]) => {
  expect(repositoryOf(scopes)).toBe(repository);
});
