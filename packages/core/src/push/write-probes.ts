import type { Registry, RepositoryReader, WriteProbe } from "@tranship/registry";
import { runSteps } from "../transfer/run-steps.ts";
import { transferError } from "../transfer/transfer-error.ts";
import type { AskTargetOptions } from "./target-names.ts";

/**
 * Makes sure, before the first write, that the target can be written: once for each first part of a path, as that is how
 * registries give leave. Targets that have no way to be probed are not.
 * @throws MirrorError `TRANSFER_FAILED` of the target; `FILE_FAILED` for a folder
 */
export async function probeWrites(
  paths: Iterable<string>,
  target: Registry,
  { inFlight, signal }: AskTargetOptions,
): Promise<void> {
  const chosen = new Map<string, string>();
  for (const path of paths) {
    const [first = ""] = path.split("/");
    if (!chosen.has(first)) chosen.set(first, path);
  }
  const probes = Array.from(chosen.values(), (path) => ({
    id: path,
    run: async (own: AbortSignal) => {
      const repository: RepositoryReader & Partial<WriteProbe> = target.repository(path);
      try {
        await repository.probeWrite?.({ signal: own });
      } catch (error) {
        throw transferError(error, "target", `push to ${target.name}`, repository.name, own);
      }
    },
  }));
  await runSteps(probes, { inFlight, signal });
}
