import { expect, test } from "vitest";
import { discoveryNames } from "./discovery-names.ts";

test("announces names with images, and tells those with release metadata only apart", () => {
  const paths = [
    "packages/web/version",
    "packages/web",
    "packages/console/version",
    "packages/console/extra/ui",
    "packages/alb/version",
    "modules/net/release",
    "modules/net",
    "modules/cni/release",
    "modules/cni/version",
    "packages",
    "packages-old/x",
    "security/trivy-db",
    "",
  ];
  expect(discoveryNames(paths)).toEqual([
    { root: "packages", names: ["console", "web"], metadataOnly: ["alb"] },
    { root: "modules", names: ["cni", "net"], metadataOnly: [] },
    { root: "deckhouse-cli/plugins", names: [], metadataOnly: [] },
  ]);
});

test("takes a package that is called like the metadata for a package", () => {
  expect(discoveryNames(["packages/version", "packages/version/version"])[0]?.names).toEqual(["version"]);
});

test("serves other catalogs by the same rule", () => {
  const catalogs = [{ root: "deckhouse-cli/plugins" }];
  expect(discoveryNames(["deckhouse-cli/plugins/system", "packages/x"], catalogs)).toEqual([
    { root: "deckhouse-cli/plugins", names: ["system"], metadataOnly: [] },
  ]);
});
