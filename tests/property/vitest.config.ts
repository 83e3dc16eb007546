import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What the suite leaves out, as it draws much and takes as long: `npx -y pnpm@10 run test:random`. */
export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: ["tests/fuzz/fuzz.test.ts", "tests/property/plan.test.ts"],
    setupFiles: ["tests/support/property-seed.ts"],
    testTimeout: 120_000,
  },
});
