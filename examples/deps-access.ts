import assert from "node:assert/strict";
import { join } from "node:path";
//#region access
import { allowHosts, type DepsAccess } from "@tranship/core/deps";
import { createFileClient, createRegistries, dockerCredentials } from "@tranship/registry";

/** Where a company keeps what it lets in. */
interface Company {
  /** Its own authority, PEM. */
  readonly ca?: string;
  /** The proxy to the world; without, what the environment says. */
  readonly proxy?: string;
  /** A web server with files, such as `https://files.internal`, and what it wants to see. */
  readonly fileServer: string;
  readonly token: string;
  /** A mirror of Docker Hub, such as `mirror.internal/hub`. */
  readonly hub: string;
  /** All hosts that may be asked, redirects included. */
  readonly hosts: readonly string[];
}

/** How a cache is filled inside of a company. */
export function companyAccess({ ca, proxy, fileServer, token, hub, hosts }: Company): DepsAccess & AsyncDisposable {
  const files = createFileClient({ ca, proxy, headers: { [fileServer]: { "x-token": token } } }); // shown there alone
  const registries = createRegistries((host) => ({
    ca,
    proxy,
    credentials: dockerCredentials(), // of each host its own
    mirrors: host === "docker.io" ? [hub] : [], // what they send has to have the right digest, too
  }));
  return {
    files,
    registry: registries.of,
    hosts: allowHosts(hosts),
    async [Symbol.asyncDispose]() {
      await registries[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}
//#endregion

// Run as a script, it does so with a web server and a mirror on this machine. Docker Hub itself is not asked.
const { isDepsError, ManifestDeps } = await import("@tranship/core/deps");
const { digestOf } = await import("@tranship/registry");
const { anImage, startFileServer } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, folder }) => {
  await using server = await startFileServer();
  const tool = Buffer.from("a tool");
  const url = server.put("/tool", tool);
  const image = anImage({ size: 50_000 });
  source.seed("hub/library/caddy", image);
  const company = { fileServer: server.origin, token: "s3cret", hub: `${source.host}/hub` };
  const value = {
    tranship: "deps/v1",
    name: "tools",
    version: "1",
    items: [
      { id: "tool", url, digest: digestOf(tool) },
      { id: "caddy", image: `docker.io/library/caddy:2@${image.manifest.descriptor.digest}` },
    ],
  };
  const manifest = { value, digest: digestOf(Buffer.from(JSON.stringify(value))) };
  const download = async (hosts: readonly string[], name: string) => {
    await using access = companyAccess({ ...company, hosts });
    const deps = new ManifestDeps({ cacheDir: join(folder, name), access, source: manifest });
    return await deps.download({ signal: AbortSignal.timeout(30_000) });
  };
  const { report } = await download([server.host, "docker.io"], "cache");
  assert.equal(report.done, 2);
  assert.equal(server.requests()[0]?.headers["x-token"], "s3cret");
  await assert.rejects(download([server.host], "other"), (error) => isDepsError(error, "HOST_FORBIDDEN"));
});
