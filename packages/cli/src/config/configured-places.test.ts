import { describe, expect, test } from "vitest";
import { configFolder } from "./config-folder.ts";
import { configuredPlaces, targetPlan } from "./configured-places.ts";

const config = { bundle: "./b", target: "https://mirror.internal/x" };

describe("what the command line leaves out is in the file", () => {
  test.for([
    ["pull", [], ["bundle:sub/b"]],
    ["pull", ["c"], undefined],
    ["push", [], ["bundle:sub/b", "https://mirror.internal/x"]],
    ["push", ["other.internal/y"], ["bundle:sub/b", "other.internal/y"]],
    ["push", ["c", "other.internal/y"], undefined],
    ["sync", [], ["https://mirror.internal/x"]],
    ["verify", [], ["bundle:sub/b"]],
    ["repair", [], ["bundle:sub/b"]],
    ["serve", [], ["bundle:sub/b"]],
    ["doctor", [], undefined],
  ] as const)("%s %s", ([command, given, places]) => {
    const how = { folder: configFolder("sub"), given, isFileGiven: false };
    expect(configuredPlaces(command, config, how)).toEqual(places);
  });

  test("archives that are named are pushed in place of the bundle", () => {
    const how = { folder: configFolder("."), given: [], isFileGiven: true };
    expect(configuredPlaces("push", config, how)).toEqual([config.target]);
    expect(configuredPlaces("push", { bundle: "b" }, how)).toBeUndefined();
  });

  test("a target is verified against the lock of its bundle; paths of the root stay", () => {
    const verify = { place: "target" } as const;
    const how = { folder: configFolder("sub"), given: [], isFileGiven: false };
    expect(configuredPlaces("verify", { ...config, verify }, how)).toEqual(["registry:mirror.internal/x"]);
    expect(configuredPlaces("verify", { target: "oci:/srv/o", verify }, how)).toEqual(["oci:/srv/o"]);
    expect(targetPlan({ ...config, verify }, how.folder)).toBe("sub/b/tranship.lock.json");
    expect(targetPlan(config, how.folder)).toBeUndefined();
    expect(configuredPlaces("serve", { serve: { place: "oci:o" } }, how)).toEqual(["oci:sub/o"]);
  });
});
