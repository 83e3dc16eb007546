import { readdirSync } from "node:fs";
import { createRegistry, RegistryError } from "@tranship/registry";
import { anImage, faults, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { BundleDirectory } from "../../bundle/bundle-directory.ts";
import { isMirrorError } from "../../errors.ts";
import type { MirrorEvent } from "../../events.ts";
import { plan } from "../plan.ts";
import { ModulesService } from "./modules-service.ts";
import { PackagesService } from "./packages-service.ts";

const services = [
  { component: "packages", Service: PackagesService },
  { component: "modules", Service: ModulesService },
] as const;

const body = (code: string) => JSON.stringify({ errors: [{ code, message: "injected" }] });

describe.for(services)("the catalog of $component", ({ component, Service }) => {
  test.for([
    { name: "without credentials", fault: faults.status(401), code: "UNAUTHORIZED", says: "credentials", requests: 1 },
    { name: "that is forbidden", fault: faults.status(403), code: "FORBIDDEN", says: "not enough", requests: 1 },
    { name: "of a broken registry", fault: faults.status(503), code: "SERVER_ERROR", says: "fault", requests: 5 },
    { name: "asked too often", fault: faults.status(429), code: "RATE_LIMITED", says: "no more", requests: 5 },
    { name: "behind a broken line", fault: faults.reset(), code: "NETWORK", says: "be reached", requests: 5 },
    { name: "that does not answer", fault: faults.stall(), code: "TIMEOUT", says: "in time", requests: 1 },
  ])("$name fails naming it, and nothing else is asked", async ({ fault, code, says, requests }) => {
    await using registry = await startTestRegistry();
    registry.fail(fault, { match: () => true });
    await using source = createRegistry(`${registry.host}/demo/fe`, { retryDelayMs: 1 });
    const service = new Service({ source, accessTimeoutMs: code === "TIMEOUT" ? 40 : 15_000 });
    const error: unknown = await plan([service], { keepGoing: true }).catch((thrown: unknown) => thrown);
    const catalog = `${registry.host}/demo/fe/${component}`;
    if (!isMirrorError(error, "TRANSFER_FAILED")) throw error;
    expect(error.details).toMatchObject({ side: "source", code, catalog });
    expect(error.message).toContain(`cannot list the ${component} in catalog ${catalog}: `);
    expect(error.message).toContain(says);
    expect(registry.requests()).toHaveLength(requests);
  });

  test.for([
    { name: "NAME_UNKNOWN", fault: faults.status(404, { body: body("NAME_UNKNOWN") }) },
    { name: "a bare 404", fault: faults.status(404, { body: "" }) },
    { name: "an HTML page with a 404", fault: faults.htmlError(404) },
  ])("that is not there, by $name, is a warning, and an error for whoever named something", async ({ fault }) => {
    await using registry = await startTestRegistry();
    registry.fail(fault, { match: /\/tags\/list$/ });
    await using source = createRegistry(`${registry.host}/demo/fe`);
    const events: MirrorEvent[] = [];
    const list = await plan([new Service({ source })], { onEvent: (event) => events.push(event) });
    expect(list.archives).toEqual([]);
    expect(events).toMatchObject([{ type: "warning.raised", code: "NO_CATALOG" }]);
    const named = plan([new Service({ source, include: ["app"] })]);
    await expect(named).rejects.toSatisfy((error) => isMirrorError(error, "NOT_IN_CATALOG"));
    expect(registry.requests()).toHaveLength(2);
  });
});

test("a run that is cancelled before it starts asks nothing and ends with the caller's reason", async () => {
  await using registry = await startTestRegistry();
  await using source = createRegistry(`${registry.host}/demo/fe`);
  const reason = new Error("not today");
  const service = new PackagesService({ source });
  const signal = AbortSignal.abort(reason);
  await expect(plan([service], { signal })).rejects.toBe(reason);
  await expect(service.explain({ signal }).next()).rejects.toBe(reason);
  expect(registry.requests()).toEqual([]);
});

test.for(["is answered", "is not there", "breaks off"])(
  "a run that is cancelled while a question %s ends with the caller's reason, and nothing counts as missing",
  async (answer) => {
    await using registry = await startTestRegistry();
    registry.seed("packages", anImage({ tag: "app" }));
    const reason = new Error("enough");
    const stop = new AbortController();
    const { registry: source } = registry;
    const { repository } = source;
    source.repository = (path) => {
      const own = repository.call(source, path);
      own.manifest = async (reference) => {
        stop.abort(reason);
        if (answer === "is answered") return anImage({ tag: "stable" }).manifest;
        if (answer === "breaks off") throw new DOMException("aborted", "AbortError");
        throw new RegistryError("NOT_FOUND", "nothing there", { registry: "source", reference });
      };
      return own;
    };
    const events: MirrorEvent[] = [];
    const planning = plan([new PackagesService({ source, include: ["app@=v1.0.0"] })], {
      signal: stop.signal,
      keepGoing: true,
      onEvent: (event) => events.push(event),
    });
    await expect(planning).rejects.toBe(reason);
    expect(events.filter(({ type }) => type === "warning.raised" || type === "item.failed")).toEqual([]);
  },
);

test("release metadata of a catalog that is not there is a warning, and nothing is written", async () => {
  await using registry = await startTestRegistry();
  await using source = createRegistry(registry.host);
  await using bundle = await BundleDirectory.open(tempFolder());
  const codes: string[] = [];
  const service = new PackagesService({ source });
  service.on("warning.raised", ({ code }) => codes.push(code));
  const { archives, failed } = await service.pullPackageVersions({ to: bundle });
  expect([archives, failed, codes]).toEqual([[], [], ["NO_CATALOG"]]);
  expect(readdirSync(bundle.directory).filter((name) => name.includes(".tar"))).toEqual([]);
});
