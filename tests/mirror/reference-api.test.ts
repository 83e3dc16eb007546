import { readdirSync } from "node:fs";
import { BundleDirectory, ModulesService, PackagesService } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { anImage } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { aSource } from "../support/mirror.ts";
import { pushImage } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("services pull packages, everybody's release metadata, and modules, each into archives of its own", async () => {
  await using registry = await aSource();
  await using source = createRegistry(`${registry.host}/demo/fe`);
  await pushImage(source, "modules", anImage({ tag: "net" }));
  await pushImage(source, "modules/net", anImage({ tag: "v1.0.0" }));
  const packages = new PackagesService({ source, include: ["alb"] });
  const modules = new ModulesService({ source, include: ["net@=v1.0.0"] });
  const pulls = [
    (to: BundleDirectory) => packages.pullPackages({ to }),
    (to: BundleDirectory) => packages.pullPackageVersions({ to }),
    (to: BundleDirectory) => modules.pullModules({ to }),
  ];
  const archives = [];
  for (const pull of pulls) {
    const folder = tempFolder();
    await using bundle = await BundleDirectory.open(folder);
    await pull(bundle);
    archives.push(readdirSync(folder).filter((name) => name.endsWith(".tar")));
  }
  expect(archives).toEqual([["package-alb.tar"], ["package-versions.tar"], ["module-net.tar"]]);
  expect(packages.stats()).toMatchObject({ attempted: true });
  expect(modules.stats()).toMatchObject({ modules: [{ name: "net", versions: ["v1.0.0"] }] });
});
