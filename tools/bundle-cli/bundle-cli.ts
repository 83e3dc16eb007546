import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Plugin, rolldown } from "rolldown";
import { partsOfUndici } from "./parts-of-undici.ts";
import { licensesText, thirdParties } from "./third-party.ts";

/**
 * Makes the program that is published: all it needs in a few files, which a Node reads in half the time of a thousand. Chunks lie
 * beside each other, so what runs in threads is found beside whoever starts it, as in the sources.
 */
const packages = fileURLToPath(new URL("../../packages", import.meta.url));
const folder = join(packages, "cli/program");

/** What is started by its file's name. */
const entries = {
  main: "cli/src/main.ts",
  "digest-worker": "core/src/checksums/digest-worker.ts",
  "hash-worker": "core/src/deps/cache/hash-worker.ts",
  "layer-worker": "core/src/rootfs/layers/layer-worker.ts",
  "ranges-task": "core/src/rootfs/tree/ranges-task.ts",
  "scan-task": "core/src/rootfs/layers/scan-task.ts",
  "content-task": "core/src/rootfs/output/content-task.ts",
};

function escaped(code: string): string {
  if (/String\.raw`[^`]*\P{ASCII}/u.test(code)) throw new Error("String.raw with what is no ASCII would change");
  return code.replace(/\P{ASCII}/gu, (one) =>
    one
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** One character beyond Latin 1, and V8 keeps the whole of a file in twice the memory. */
const inAscii: Plugin = {
  name: "in-ascii",
  generateBundle: (_options, parts) => {
    for (const part of Object.values(parts)) if (part.type === "chunk") part.code = escaped(part.code);
  },
};

const made = `${folder}.${process.pid}`; // whoever runs the program meanwhile finds the one before
await using build = await rolldown({
  input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(packages, path)])),
  platform: "node",
  transform: { target: "node22" },
  plugins: [partsOfUndici(join(packages, "registry/src/index.ts")), inAscii],
  onLog(level, { message }) {
    if (level !== "debug" && level !== "info") throw new Error(message); // what it warns of fails where it runs
  },
});
const { output } = await build.write({
  dir: made,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: false } }, // names stay, comments go
  comments: false,
});
const modules = output.flatMap((part) => (part.type === "chunk" ? part.moduleIds : []));
writeFileSync(join(made, "THIRD-PARTY-NOTICES.txt"), licensesText(thirdParties(modules)));
rmSync(folder, { recursive: true, force: true });
renameSync(made, folder);
