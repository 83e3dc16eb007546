import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  lockFileName,
  PackagesService,
  type PackagesServiceOptions,
  parseLockFile,
  pull,
  verifyBundle,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { anImage, faults } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { aSource, digests } from "../support/mirror.ts";
import { pushImage } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";

test.for([
  { form: "one file", chunkBytes: undefined },
  { form: "chunks", chunkBytes: 20_000 },
])("a pull of other components lists what a pull given up before it had replaced, in $form", async ({ chunkBytes }) => {
  await using registry = await aSource();
  await using source = createRegistry(`${registry.host}/demo/fe`);
  const folder = tempFolder();
  const pullOnly = async (options: Partial<PackagesServiceOptions>) => {
    await using bundle = await BundleDirectory.open(folder, { chunkBytes });
    return await pull([new PackagesService({ source, ...options })], { to: bundle, inFlight: 1 });
  };
  await pullOnly({});
  const before = digests(folder);
  for (const name of ["alb", "console"]) {
    await pushImage(source, `packages/${name}`, anImage({ tag: "v9.0.0", files: { name } }));
    const files = { "version.json": JSON.stringify({ version: "v9.0.0" }) };
    await pushImage(source, `packages/${name}/version`, anImage({ tags: ["v9.0.0", "alpha"], files }));
  }
  const isConsole = (part: string) => (request: { readonly path: string }) =>
    request.path.includes(`packages/console/${part}/`);
  registry.fail(faults.status(403), { match: isConsole("blobs"), times: 99 });
  registry.fail(faults.slow({ delayMs: 1000 }), { match: isConsole("manifests"), times: 99 });
  await expect(pullOnly({})).rejects.toThrow("403");
  registry.reset();

  await pullOnly({ metadataOnly: true });
  await using bundle = await Bundle.open(folder);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
  const lock = parseLockFile(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);
  const alphas = lock.archives
    .flatMap(({ archive, sections }) =>
      sections.flatMap(({ repositories }) => repositories.map((one) => ({ archive, ...one }))),
    )
    .flatMap(({ archive, path, images }) =>
      images.flatMap(({ tag }) => (tag === "v9.0.0" ? [`${archive} ${path}`] : [])),
    );
  expect(alphas).toContain("package-alb.tar packages/alb");
  expect(alphas).not.toContain("package-console.tar packages/console");
  if (chunkBytes === undefined) expect(digests(folder)["package-alb.tar"]).not.toBe(before["package-alb.tar"]);
});
