import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type RegistryServer, type ServerOptions, startServer } from "@tranship/registry/server";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { DepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import { CacheTree, type CacheTreeOptions } from "./cache-tree.ts";
import { withDiskErrors } from "./disk-errors.ts";
import { joinedRegistry } from "./joined-registry.ts";
import { CacheFiles } from "./served-files.ts";

/** Options of {@link serveCache}. */
export interface ServeCacheOptions
  extends CacheTreeOptions,
    Pick<
      ServerOptions,
      "host" | "port" | "tls" | "publicUrl" | "credentials" | "auth" | "idleTimeoutMs" | "onRequest"
    > {
  /** Ends the server; requests that are being served may take {@link ServeCacheOptions.graceMs} longer. */
  readonly signal?: AbortSignal | undefined;
  /** In milliseconds. @defaultValue 10000 */
  readonly graceMs?: number | undefined;
}

/**
 * Serves a cache to machines that have none, for reading only; nothing is locked, and what is brought meanwhile is served
 * too. One address has it all:
 *
 * - `/manifests/NAME.json`: manifests as they were published, byte for byte, with their signatures at `NAME.json.sig` where
 *   they had one; a local one as it is in the cache, without notes of what is cached.
 * - `/vmconfig/artifacts/NAME/VERSION/FILE` and all other files at their paths below the cache, in ranges, with digests as
 *   entity tags.
 * - `/v2/`: images and charts by the distribution API, in the repositories they have in the cache.
 *
 * So the address is a base address for manifests. The manifests go on naming the hosts that files come from: clients look for
 * `resolveUrl(item, base)` in place of an item's own address, and for `mirroredImageRef(host, "mirror", image)` in place of an
 * image's, and check what they get against the same digests. Git mirrors are not served.
 * @throws DepsError `NOT_CACHED` without such a folder, `FILE_FAILED`; NodeJS.ErrnoException when the address cannot be listened on
 */
export async function serveCache(directory: string, options: ServeCacheOptions = {}): Promise<RegistryServer> {
  const { signal, graceMs = 10_000, store, ...serverOptions } = options;
  signal?.throwIfAborted();
  const path = resolve(directory);
  const root = await onDiskIfAny(path, () => realpath(path));
  if (root === undefined || !(await onDisk(root, () => stat(root))).isDirectory())
    throw new DepsError("NOT_CACHED", `cannot serve ${path}: there is no such folder`, { path });
  const tree = new CacheTree(root, { store });
  const stores = await withDiskErrors(root, () =>
    Promise.all(tree.of("stores").map((one) => LayoutRegistry.open(one.path, { create: true, readOnly: true }))),
  );
  const registry = joinedRegistry(`cache:${root}`, stores);
  const server = await startServer(registry, { ...serverOptions, readOnly: true, files: new CacheFiles(tree) });
  if (signal === undefined) return server;
  const end = () => void server.close({ graceMs }).catch(() => {}); // whoever holds the server is told when it closes it
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  const close: RegistryServer["close"] = async (how) => {
    signal.removeEventListener("abort", end);
    await server.close(how);
  };
  return { host: server.host, url: server.url, close, [Symbol.asyncDispose]: () => close() };
}
