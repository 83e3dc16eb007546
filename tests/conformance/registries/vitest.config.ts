import { join } from "node:path";
import { defineConfig } from "vitest/config";

/** What the suite leaves out, as it has to be built first: `npx -y pnpm@10 conformance:registries`. */
export default defineConfig({
  root: join(import.meta.dirname, "../../.."),
  test: {
    include: ["tests/conformance/registries/*.test.ts", "tests/conformance/olareg.test.ts"],
    setupFiles: ["tests/support/property-seed.ts"],
    testTimeout: 30_000,
  },
});
