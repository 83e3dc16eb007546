import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";
import { builtProgram } from "./tests/support/build-program.ts";
import { TotalsReporter } from "./tests/support/totals-reporter.ts";

const isCi = process.env.CI !== undefined;

/** What takes long in itself has commands of its own: `conformance:registries` and `test:random`. */
const leftOut = [
  ...configDefaults.exclude,
  "tests/conformance/registries/**",
  "tests/fuzz/fuzz.test.ts",
  "tests/property/plan.test.ts",
];

export default defineConfig({
  test: {
    projects: [
      // Files of one worker share the modules they import, which then are read once and not once for each file.
      { extends: true, test: { name: "packages", include: ["packages/*/src/**/*.test.ts"], isolate: false } },
      { extends: true, test: { name: "tests", include: ["tests/**/*.test.ts"], exclude: leftOut, isolate: false } },
    ],
    setupFiles: ["tests/support/property-seed.ts"],
    globalSetup: ["tests/support/build-program.ts"],
    maxWorkers: 2 * availableParallelism(), // tests wait for programs, servers and disks as much as they compute
    // Programs that tests start from sources find them compiled: they start in half the time.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "tranship-compile-cache"), TRANSHIP_PROGRAM: builtProgram },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: isCi ? ["default", new TotalsReporter("node_modules/.cache/test-totals.txt")] : ["default"],
  },
});
