import { expect, test } from "vitest";
import type { Credentials } from "./authenticator.ts";
import { credentialSource } from "./credential-source.ts";

function counting(answer: (n: number) => Credentials | undefined) {
  let count = 0;
  const source = credentialSource("host", async () => {
    count += 1;
    return answer(count);
  });
  return { source, count: () => count };
}

test("who was refused after others got somebody new is given that one", async () => {
  const { source, count } = counting((n) => ({ username: "u", password: `p${n}` }));
  const stale = await source.identityOf("app");
  const [one, other] = await Promise.all([source.renew("app", stale), source.renew("app", stale)]);
  expect(one?.credentials).toEqual({ username: "u", password: "p2" });
  expect(other).toBe(one);
  expect(await source.renew("app", stale)).toBe(one);
  expect(await source.identityOf("app")).toBe(one);
  expect(count()).toBe(2);
});

test("the same credentials again are nobody new", async () => {
  const { source } = counting(() => ({ username: "u", password: "p" }));
  const stale = await source.identityOf("app");
  expect(await source.renew("app", stale)).toBeUndefined();
  expect(await source.identityOf("app")).toBe(stale);
});

test("credentials are what they were when they were given", async () => {
  const given = { username: "u", password: "p" };
  const source = credentialSource("host", given);
  given.password = "other";
  expect((await source.identityOf("app")).credentials).toEqual({ username: "u", password: "p" });
});

test("a thousand repositories are remembered; the one that was not used for longest is asked for again", async () => {
  const { source, count } = counting(() => undefined);
  for (let n = 0; n < 1001; n += 1) await source.identityOf(`app${n}`);
  await source.identityOf("app1");
  expect(count()).toBe(1001);
  await source.identityOf("app0");
  expect(count()).toBe(1002);
});

test("a provider that says null knows nobody", async () => {
  const source = credentialSource("host", async () => JSON.parse("null"));
  expect(await source.identityOf("app")).toMatchObject({ credentials: undefined });
});
