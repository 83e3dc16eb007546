//#region installer
import { Bundle, BundleDirectory, downloadTotals, ImagesService, listPlanner, pull } from "@tranship/core";
import { createRegistry, dockerCredentials } from "@tranship/registry";
import { startServer } from "@tranship/registry/server";

/** What an installer knows before it starts. */
interface Installation {
  /** The vendor's registry, such as `registry.example.com`. */
  readonly vendor: string;
  /** What the product is made of, such as `registry.example.com/product/app@^1.4`. */
  readonly images: readonly string[];
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Fetches a product into a folder, then serves it on this machine for as long as `use` takes. */
async function install(product: Installation, use: (registry: string) => Promise<void>): Promise<void> {
  const { images, folder, signal, say } = product;
  await using vendor = createRegistry(product.vendor, { credentials: dockerCredentials() });
  const from = () => vendor;
  const service = new ImagesService({ images, from, paths: { host: "strip" } });
  const list = await service.plan({ signal }); // all digests and sizes; no layer was fetched
  const { images: count, fetchBytes } = downloadTotals(list);
  say(`${count} images, ${fetchBytes} bytes`);
  {
    let arrived = 0;
    await using directory = await BundleDirectory.open(folder);
    await pull([listPlanner(list, from)], {
      to: directory,
      signal, // aborted, the next run goes on inside the blob where this one stopped
      onEvent: (event) => {
        if (event.type === "blob.progress") arrived += event.bytes;
        if (event.type === "blob.finished" && event.size > 10_000) say(`${Math.floor((100 * arrived) / fetchBytes)} %`);
        if (event.type === "warning.raised") say(event.message);
      },
    });
  }
  await using bundle = await Bundle.open(folder); // read in place; nothing is unpacked
  await using server = await startServer(bundle, { host: "127.0.0.1" });
  await use(server.host);
}
//#endregion

// Run as a script, it installs from a registry on this machine.
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ source, folder }) => {
  const images = [`${source.host}/demo/fe/packages/console@^1.45`, `${source.host}/demo/fe/packages/alb:v1.0.3`];
  const signal = AbortSignal.timeout(60_000);
  await install({ vendor: source.host, images, folder, signal, say: console.log }, async (registry) => {
    await using local = createRegistry(registry);
    for await (const path of local.repositories()) console.log(`${registry}/${path} can be pulled`);
  });
});
