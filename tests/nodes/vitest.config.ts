import { readFileSync } from "node:fs";
import { join } from "node:path";
import { configDefaults, defineConfig, mergeConfig } from "vitest/config";
import workspace from "../../vitest.config.ts";

const packed = process.env.TRANSHIP_PACKED ?? "";

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

/** Each entry point by its name, and the file it is in the packed package. */
const alias = ["@tranship/registry", "@tranship/core"].flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(join(packed, name, "package.json"), "utf8")) as Manifest;
  return Object.entries(exports).map(([path, file]) => ({
    find: new RegExp(`^${name}${path.slice(1)}$`),
    replacement: join(packed, name, file.default),
  }));
});

/** Programs that these tests start from the sources: Node 22 cannot read `await using`, which is compiled away in packages. */
const startingSources = process.version.startsWith("v22.") ? ["tests/mirror/kill.test.ts"] : [];

export default mergeConfig(
  workspace,
  defineConfig({
    root: join(import.meta.dirname, "../.."),
    resolve: { alias },
    test: {
      env: { TRANSHIP_MAIN: join(packed, "@tranship/cli/program/main.js") },
      exclude: [...configDefaults.exclude, ...startingSources],
      maxWorkers: 3,
      reporters: ["default"],
      testTimeout: 60_000,
    },
  }),
);
