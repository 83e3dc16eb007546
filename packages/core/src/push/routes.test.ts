import { expect, test } from "vitest";
import { createRoutes } from "./routes.ts";

test.for([
  { suffix: undefined, images: "modules/net", catalog: "modules" },
  { suffix: "", images: "modules/net", catalog: "modules" },
  { suffix: "/modules", images: "modules/net", catalog: "modules" },
  { suffix: "modules", images: "modules/net", catalog: "modules" },
  { suffix: "/modules/", images: "modules/net", catalog: "modules" },
  { suffix: "/", images: "net", catalog: "" },
  { suffix: "/my/mods", images: "my/mods/net", catalog: "my/mods" },
  { suffix: "my//mods/", images: "my/mods/net", catalog: "my/mods" },
])("the suffix $suffix takes modules/net to '$images' and its tag to '$catalog'", ({ suffix, images, catalog }) => {
  const modules = createRoutes({ modulesPathSuffix: suffix });
  expect(modules.targetOf("modules/net")).toBe(images);
  expect(modules.targetOf("modules/net/release")).toBe(`${images}/release`);
  expect(modules.targetOf("modules/net/extra/ui")).toBe(`${images}/extra/ui`);
  expect(modules.targetOf("modules")).toBe(catalog);
  expect(modules.moved).toEqual(catalog === "modules" ? [] : [{ root: "modules", path: catalog }]);
  const asPackages = createRoutes({ packagesPathSuffix: suffix?.replaceAll("modules", "packages") });
  expect(asPackages.targetOf("packages/net")).toBe(images.replace("modules", "packages"));
});

test.for(["", "install", "release-channel", "security/trivy-db", "packages/modules", "modules-old/x", "x/modules/y"])(
  "'%s' stays where it is when the modules move",
  (path) => {
    expect(createRoutes({ modulesPathSuffix: "/elsewhere" }).targetOf(path)).toBe(path);
  },
);

test("both catalogs move on their own, also into each other's place", () => {
  const routes = createRoutes({ modulesPathSuffix: "packages", packagesPathSuffix: "modules" });
  expect([routes.targetOf("modules/a"), routes.targetOf("packages/b")]).toEqual(["packages/a", "modules/b"]);
});

test.for(["My/Mods", "mods:v1", "../up", "a b", "mods@x"])("the suffix %s is refused", (suffix) => {
  expect(() => createRoutes({ modulesPathSuffix: suffix })).toThrow(
    expect.objectContaining({ code: "INVALID_REFERENCE" }),
  );
});
