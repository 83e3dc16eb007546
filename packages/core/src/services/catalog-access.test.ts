import { createRegistry } from "@tranship/registry";
import { faults, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import type { MirrorEvent } from "../events.ts";
import { ModulesService } from "./modules-service.ts";
import { PackagesService } from "./packages-service.ts";
import { plan } from "./plan.ts";

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
