import { MemoryRegistry } from "@tranship/registry";
import { Command } from "commander";
import { expect, test } from "vitest";
import { UsageError } from "../usage-error.ts";
import { type SelectionFlags, servicesFor, withSelectionFlags } from "./selection-flags.ts";

/** What the services of a command line ask for. */
function selectionsOf(...flags: readonly string[]): readonly unknown[] {
  const command = withSelectionFlags(new Command()).exitOverride();
  command.parse(["--no-modules", ...flags], { from: "user" });
  return servicesFor(new MemoryRegistry(), command.opts<SelectionFlags>()).map(({ selection }) => selection);
}

test.for([
  { flags: [], attached: "all" },
  { flags: ["--skip-vex-images"], attached: "all-but-vex" },
  { flags: ["--referrers", "vex"], attached: "vex" },
  { flags: ["--referrers", "none", "--skip-vex-images"], attached: "none" },
])("$flags bring $attached of what is attached", ({ flags, attached }) => {
  expect(selectionsOf(...flags)).toMatchObject([{ attached }]);
});

test.for(["all", "vex"])("--referrers %s and --skip-vex-images contradict each other", (kinds) => {
  expect(() => selectionsOf("--referrers", kinds, "--skip-vex-images")).toThrow(UsageError);
});

test("--platform may be repeated, and what is none is refused before anything is asked", () => {
  expect(selectionsOf("--platform", "linux/arm64", "--platform", "Linux/amd64")).toMatchObject([
    { platforms: ["linux/amd64", "linux/arm64"] },
  ]);
  expect(() => selectionsOf("--platform", "arm64")).toThrow(expect.objectContaining({ code: "SELECTION_INVALID" }));
});
