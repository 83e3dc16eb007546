import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { type Comparison, comparisonText, type Exception } from "./compare.ts";
import { buildDebianImage } from "./debian-image.ts";
import { manyFilesLayers } from "./many-files-image.ts";
import { nastyLayers } from "./nasty-image.ts";
import { writeLayout } from "./oci-layout.ts";
import { paxArchive } from "./pax-archive.ts";
import { noLoopMount, noReferee } from "./privileges.ts";
import { type Proof, proofPage } from "./proof-page.ts";
import { proveImage } from "./prove-image.ts";
import { randomProof } from "./random-proof.ts";
import { reproduce } from "./reproduce.ts";
import { umociExceptions } from "./umoci-exceptions.ts";

/** An image to prove. */
interface Subject {
  readonly title: string;
  readonly build: (folder: string) => string;
  readonly exceptions?: readonly Exception[] | undefined;
}

/**
 * Holds root file systems that the SDK makes against umoci, GNU tar, debugfs and the kernel, and makes ext4 images again and
 * again to see that they are the same. As root; Debian's images come from its mirror unless `--bases` has a folder for each suite.
 *
 *     npx -y pnpm@10 interop:rootfs [--only bookworm] [--random 2000] [--seed 1] [--bases FOLDER]
 *       [--faketime libfaketime.so.1] [--folder /dev/shm] [--write]     --write keeps what came out in docs/rootfs-proof.md
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      random: { type: "string", default: "2000" },
      seed: { type: "string", default: "1" },
      bases: { type: "string" },
      faketime: { type: "string" },
      folder: { type: "string", default: "/dev/shm" },
      write: { type: "boolean", default: false },
    },
  });
  const obstacle = noReferee ?? noLoopMount;
  if (obstacle !== undefined) throw new Error(obstacle);
  const folder = mkdtempSync(join(values.folder, "rootfs-proof-"));
  await using workers = new LayerWorkers();
  const proofs: Proof[] = [];
  try {
    for (const [name, subject] of subjects(values.bases)) {
      if (values.only !== undefined && values.only !== name) continue;
      proofs.push(await prove(name, subject, { workers, folder, faketime: values.faketime }));
    }
    const [runs, seed] = [Number(values.random), Number(values.seed)];
    const random = await randomProof({ runs, seed, workers, folder });
    console.log(`random layers: ${JSON.stringify({ ...random, wrong: random.wrong.slice(0, 20) })}`);
    if (random.wrong.length > 0) process.exitCode = 1;
    if (values.write && process.exitCode !== 1) {
      const page = fileURLToPath(new URL("../../../docs/rootfs-proof.md", import.meta.url));
      const versions = toolVersions();
      writeFileSync(
        page,
        proofPage({ proofs, random: { ...random, runs, seed }, exceptions: umociExceptions, versions }),
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function subjects(bases: string | undefined): ReadonlyMap<string, Subject> {
  const debian = (suite: string): Subject => ({
    title: `Debian ${suite}, minbase, three layers`,
    build: (folder) => buildDebianImage(folder, { suite, base: bases && join(bases, suite) }),
  });
  const layers = (
    title: string,
    archives: () => readonly Uint8Array[],
    exceptions?: readonly Exception[],
  ): Subject => ({
    title,
    exceptions,
    build: (folder) => {
      const layout = join(folder, "layout");
      writeLayout(
        layout,
        archives().map((archive) => ({ archive, packing: "gzip" })),
      );
      return layout;
    },
  });
  return new Map([
    ["rare", layers("everything rare, three layers", () => nastyLayers.map(paxArchive), umociExceptions)],
    ["bookworm", debian("bookworm")],
    ["trixie", debian("trixie")],
    ["many", layers("very many files, two layers", manyFilesLayers)],
  ]);
}

async function prove(
  name: string,
  { title, build, exceptions }: Subject,
  { workers, folder, faketime }: { workers: LayerWorkers; folder: string; faketime?: string | undefined },
): Promise<Proof> {
  const work = join(folder, name);
  mkdirSync(work);
  const layout = build(join(work, "image"));
  const onComparison = (comparison: Comparison) => {
    console.log(`${title}: ${comparisonText(comparison)}`);
    if (comparison.wrong.length > 0) process.exitCode = 1;
  };
  // What is setuid and somebody else's stays in a folder only root enters; these two are for making images as another user.
  const open = [mkdtempSync(join(folder, "..", "rootfs-open-")), mkdtempSync("/var/tmp/rootfs-open-")] as const;
  try {
    for (const one of open) chmodSync(one, 0o711);
    const options = { workers, folder: join(work, "work"), openFolder: open[0], exceptions, mount: true, onComparison };
    const comparisons = await proveImage(layout, options);
    rmSync(join(work, "work"), { recursive: true });
    const makings = reproduce(layout, { folders: open, faketime });
    for (const { how, sha256, sizeBytes } of makings) console.log(`${title}: ${how}: ${sha256}, ${sizeBytes} bytes`);
    if (new Set(makings.map(({ sha256 }) => sha256)).size !== 1) process.exitCode = 1;
    return { title, comparisons, makings };
  } finally {
    for (const one of open) rmSync(one, { recursive: true });
    rmSync(work, { recursive: true });
  }
}

function toolVersions(): readonly string[] {
  const first = (command: string, ...args: readonly string[]) => {
    const text = execFileSync("sh", ["-c", '"$@" 2>&1', "sh", command, ...args], { encoding: "utf8" });
    return text.trim().split("\n")[0] ?? "";
  };
  return [
    first("umoci", "--version"),
    first("tar", "--version"),
    first("debugfs", "-V"),
    `Linux ${first("uname", "-r")}`,
  ];
}

await main();
