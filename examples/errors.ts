import assert from "node:assert/strict";

//#region errors
import { isMirrorError, type MirrorError } from "@tranship/core";
import { isRegistryError } from "@tranship/registry";

/** What an installer tells its user, by stable codes; `message` says the rest in words. */
export function adviceFor(error: unknown): string {
  if (isMirrorError(error, "NO_SPACE"))
    return `make room in ${error.details.path}: ${error.details.freeBytes} bytes free`;
  if (isMirrorError(error, "IMAGE_NOT_FOUND")) return `${error.details.reference} does not exist: is the name right?`;
  if (isMirrorError(error, "BUNDLE_LOCKED")) return "another run is at it: wait for it";
  if (isMirrorError(error, "ARCHIVE_INVALID")) return `${error.details.archive} is damaged: bring it over once more`;
  if (isMirrorError(error, "TRANSFER_FAILED")) return adviceForTransfer(error);
  throw error; // not one of ours, or none that a user can do something about
}

/** `side` says which registry, `failure` whether trying again may help; `cause` is what the registry client met. */
function adviceForTransfer({ details, cause }: MirrorError<"TRANSFER_FAILED">): string {
  const { side, failure, reference } = details;
  if (isRegistryError(cause, "UNAUTHORIZED")) return `log in to ${cause.details.registry}`;
  if (failure === "denied") return `this user may not ${side === "source" ? "read" : "write"} ${reference}`;
  if (failure === "throttled") return "too many requests: try again later";
  if (failure === "transient") return "the connection is bad: run it again, it goes on where it stopped";
  return `the ${side} does not work as it should: ${failure}`;
}
//#endregion

// Run as a script, it meets some of them at registries on this machine.
const { BundleDirectory, ImagesService } = await import("@tranship/core");
const { createRegistry } = await import("@tranship/registry");
const { faults } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ source, folder }) => {
  const meet = async (name: string): Promise<string> => {
    await using registry = createRegistry(source.host, { attempts: 2, retryDelayMs: 1 });
    await using directory = await BundleDirectory.open(folder);
    const images = new ImagesService({ images: [`${source.host}/${name}`], from: () => registry });
    const failure = await images.pull({ to: directory }).then(
      () => undefined,
      (error: unknown) => error,
    );
    source.reset();
    const advice = adviceFor(failure);
    console.log(`${name}: ${advice}`);
    return advice;
  };
  assert.match(await meet("demo/fe/packages/alb:v9"), /does not exist/);
  source.fail(faults.status(401));
  assert.match(await meet("demo/fe/packages/alb:v1.0.3"), /^log in/);
  source.fail(faults.status(403));
  assert.match(await meet("demo/fe/packages/alb:v1.0.3"), /may not read/);
  source.fail(faults.status(429, { headers: { "retry-after": "3600" } }));
  assert.match(await meet("demo/fe/packages/alb:v1.0.3"), /too many requests/);
  source.fail(faults.reset());
  assert.match(await meet("demo/fe/packages/alb:v1.0.3"), /connection is bad/);
});
