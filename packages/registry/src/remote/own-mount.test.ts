import { expect, test } from "vitest";
import type { ServedRequest } from "../server/served-request.ts";
import { openerOf } from "../testing/contract-support.ts";
import { aBlob, type Fault, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

const some = Array.from({ length: 40 }, (_, n) => aBlob({ size: 100, seed: `some ${n}` }));
const more = Array.from({ length: 4 }, (_, n) => aBlob({ size: 100, seed: `more ${n}` }));

/** A registry that has got a number of blobs, one after another. */
async function afterMany() {
  const server = await startTestRegistry();
  const registry = createRegistry(server.host, { retryDelayMs: 1 });
  const push = async (blob: (typeof some)[number], path = "app", mountFrom: readonly string[] = []) => {
    const { open } = openerOf(blob.bytes);
    return await registry.repository(path).pushBlob(blob, open, { mountFrom });
  };
  return {
    server,
    push,
    fill: async () => {
      for (const blob of some) await push(blob);
    },
    methods: () => server.requests().map(({ method }) => method),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("after some blobs, one request looks whether the next is there and opens its upload", async () => {
  await using home = await afterMany();
  await home.fill();
  const [first, again] = [more[0], some[0]];
  if (!first || !again) throw new Error("no blobs");
  home.server.reset();
  expect(await home.push(first)).toBe("written");
  expect(home.methods()).toEqual(["POST", "PUT"]);
  expect(await home.push(again)).toBe("present");
  expect(await home.push(again, "elsewhere")).toBe("written"); // there it is not
  expect(home.methods()).toEqual(["POST", "PUT", "POST", "POST", "PUT"]);
  home.server.reset();
  expect(await home.push(again, "third", ["app"])).toBe("mounted");
  expect(home.methods()).toEqual(["HEAD", "POST"]);
});

test("few blobs cost no request more", async () => {
  await using home = await afterMany();
  for (const blob of more) await home.push(blob);
  expect(home.methods()).toEqual(more.flatMap(() => ["HEAD", "POST", "PUT"]));
});

/** Nothing else here is mounted from a repository that is named. */
const ownMount = ({ queryNames }: ServedRequest): boolean => queryNames.includes("from");

test.for<{ name: string; fault: Fault; times?: number }>([
  { name: "says that all is there", fault: faults.status(201) },
  {
    name: "says that nothing is there",
    fault: faults.status(202, { headers: { location: "/v2/app/blobs/uploads/x" } }),
  },
  { name: "refuses it", fault: faults.status(400) },
  { name: "fails at it", fault: faults.status(500) },
  { name: "wants nobody to do it", fault: faults.status(403) },
])("a registry that $name is asked as before", async ({ fault }) => {
  await using home = await afterMany();
  home.server.fail(fault, { match: ownMount });
  await home.fill();
  home.server.reset();
  for (const blob of more) expect(await home.push(blob)).toBe("written");
  expect(home.methods()).toEqual(more.flatMap(() => ["HEAD", "POST", "PUT"]));
});

test("what fails is looked for before it is sent again", async () => {
  await using home = await afterMany();
  await home.fill();
  home.server.reset();
  home.server.failOnce(faults.status(500), /^PUT/);
  home.server.failOnce(faults.status(500), ownMount);
  for (const blob of more) expect(await home.push(blob)).toBe("written");
  expect(home.methods().filter((method) => method === "HEAD")).toHaveLength(2);
});
