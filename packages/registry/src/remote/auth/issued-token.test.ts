import { expect, test } from "vitest";
import { parseIssuedToken } from "./issued-token.ts";

test.for([
  { says: "nothing", answer: {}, lifetimeMs: 60_000 },
  { says: "five minutes", answer: { expires_in: 300 }, lifetimeMs: 300_000 },
  { says: "five minutes as text", answer: { expires_in: "300" }, lifetimeMs: 300_000 },
  { says: "less than the specification promises", answer: { expires_in: 1 }, lifetimeMs: 60_000 },
  { says: "a month", answer: { expires_in: 2_592_000 }, lifetimeMs: 86_400_000 },
  { says: "more than a number holds", answer: { expires_in: 1e308 }, lifetimeMs: 86_400_000 },
])("a token that is to be good for $says is good for $lifetimeMs ms", ({ answer, lifetimeMs }) => {
  const body = new TextEncoder().encode(JSON.stringify({ token: "a", ...answer }));
  expect(parseIssuedToken(body)).toEqual({ token: "a", lifetimeMs });
});
