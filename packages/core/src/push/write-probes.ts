import type { Registry, RepositoryReader, WriteProbe } from "@tranship/registry";
import { runSteps } from "../transfer/run-steps.ts";
import { transferError } from "../transfer/transfer-error.ts";
import type { AskTargetOptions } from "./target-names.ts";

/**
 * Makes sure, before the first write, that the target can be written: once for each first part of a path, as that is how
 * registries give leave. Targets that have no way to be probed are not. What the probes began is for the push to use; it is
 * disposed of when that ends.
 * @throws MirrorError `TRANSFER_FAILED` of the target; `FILE_FAILED` for a folder
 */
export async function probeWrites(
  paths: Iterable<string>,
  target: Registry,
  { inFlight, signal }: AskTargetOptions,
): Promise<AsyncDisposable> {
  const chosen = new Map<string, string>();
  for (const path of paths) {
    const [first = ""] = path.split("/");
    if (!chosen.has(first)) chosen.set(first, path);
  }
  const begun: AsyncDisposable[] = [];
  const end = async () => void (await Promise.all(begun.map((one) => one[Symbol.asyncDispose]())));
  const probes = Array.from(chosen.values(), (path) => ({
    id: path,
    run: async (own: AbortSignal) => {
      const repository: RepositoryReader & Partial<WriteProbe> = target.repository(path);
      try {
        const one = await repository.probeWrite?.({ signal: own });
        if (one) begun.push(one);
      } catch (error) {
        throw transferError(error, "target", `push to ${target.name}`, repository.name, own);
      }
    },
  }));
  try {
    await runSteps(probes, { inFlight, signal });
  } catch (error) {
    await end();
    throw error;
  }
  return { [Symbol.asyncDispose]: end };
}
