import { createRegistry, MemoryRegistry } from "@tranship/registry";
import { anImage, faults, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { pushBundle } from "./push-bundle.ts";

function aSource(): MemoryRegistry {
  const source = new MemoryRegistry();
  for (const path of ["", "install", "packages/app", "packages/app/version", "packages/web", "security/db"]) {
    seedMemory(source, path, [anImage({ tag: "v1", seed: path })]);
  }
  return source;
}

test("a push tries one repository for each first part of a path, before it sends anything", async () => {
  await using server = await startTestRegistry();
  await using target = createRegistry(`${server.host}/fe`);
  await pushBundle(aSource(), target, { inFlight: 1 });
  const writes = server.requests().filter(({ method }) => !["GET", "HEAD"].includes(method));
  const first = writes.slice(0, 4).map(({ method, path }) => `${method} ${path}`);
  expect(first).toEqual(
    ["fe", "fe/install", "fe/packages/app", "fe/security/db"].map((path) => `POST /v2/${path}/blobs/uploads/`),
  );
  const count = (name: string) =>
    writes.filter(({ method, path }) => method === name && path.includes("/uploads/")).length;
  expect(count("POST") - count("PUT")).toBe(count("DELETE")); // no upload is left open
});

test("what was tried and not needed is taken back, whichever way the push goes", async () => {
  await using server = await startTestRegistry();
  await using target = createRegistry(`${server.host}/fe`, { attempts: 1 });
  const source = new MemoryRegistry();
  seedMemory(source, "app", [anImage({ tag: "v1" })]);
  server.seed("fe/app", anImage({ tag: "other", seed: "v1" })); // the same blobs: the manifest alone is sent
  server.fail(faults.status(500), { match: ({ method, path }) => method === "PUT" && path.includes("/manifests/") });
  const methods = () => server.requests().map(({ method }) => method);
  await expect(pushBundle(source, target)).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
  expect(methods().filter((method) => method === "POST" || method === "DELETE")).toEqual(["POST", "DELETE"]);
});

test.for([
  { name: "that may not write in one of them", fault: faults.status(403), failure: "denied", code: "FORBIDDEN" },
  { name: "without the right password", fault: faults.status(401), failure: "denied", code: "UNAUTHORIZED" },
  { name: "whose registry has a fault", fault: faults.status(500), failure: "transient", code: "SERVER_ERROR" },
])("a push $name fails before anything is written", async ({ fault, failure, code }) => {
  await using server = await startTestRegistry();
  await using target = createRegistry(`${server.host}/fe`, { attempts: 1 });
  server.fail(fault, { match: ({ method, path }) => method === "POST" && path.includes("/security/db/"), times: 9 });
  await expect(pushBundle(aSource(), target)).rejects.toMatchObject({
    code: "TRANSFER_FAILED",
    message: expect.stringContaining(`cannot push to ${server.host}/fe: cannot write to ${server.host}/fe/security/db`),
    details: { side: "target", reference: `${server.host}/fe/security/db`, failure, code },
  });
  await expect(Array.fromAsync(server.registry.repositories())).resolves.toEqual([]);
});

test("nothing is tried when there is nothing to write, in a dry run, or when told not to", async () => {
  await using server = await startTestRegistry();
  await using target = createRegistry(`${server.host}/fe`);
  const uploads = () => server.requests().filter(({ method }) => method === "DELETE");
  await pushBundle(aSource(), target, { dryRun: true });
  await pushBundle(aSource(), target, { probe: false });
  await pushBundle(aSource(), target);
  expect(uploads()).toEqual([]);
});
