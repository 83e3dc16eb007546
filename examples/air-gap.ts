import assert from "node:assert/strict";

//#region outside
import { Bundle, BundleDirectory, ImagesService, pull, pushBundle, verify, verifyBundle } from "@tranship/core";
import { createRegistry, dockerCredentials } from "@tranship/registry";

/** Where there is a network: images into files of a size that a stick takes, each with its checksum, proven before they leave. */
export async function pack(host: string, images: readonly string[], folder: string, chunkBytes: number): Promise<void> {
  await using source = createRegistry(host, { credentials: dockerCredentials() });
  {
    await using directory = await BundleDirectory.open(folder, { chunkBytes, checksums: ["sha256"] });
    await pull([new ImagesService({ images, from: () => source })], { to: directory });
  }
  await requireWhole(folder);
}
//#endregion

//#region inside
/** Where there is none: the files are proven as they arrived, pushed, and the registry is proven to have it all. */
export async function unpack(folder: string, mirror: string): Promise<void> {
  await requireWhole(folder); // names the chunk at fault, before anything is written
  await using bundle = await Bundle.open(folder);
  await using target = createRegistry(mirror, { credentials: dockerCredentials() });
  await pushBundle(bundle, target);
  if (!bundle.lock) throw new Error(`${folder} has no lock file: nothing says what should be in it`);
  const { ok, findings } = await verify(target, bundle.lock); // reads back and hashes what the registry has
  if (!ok) throw new Error(findings[0]?.message);
}

async function requireWhole(folder: string): Promise<void> {
  await using bundle = await Bundle.open(folder);
  const { ok, findings } = await verifyBundle(bundle); // every file, blob and checksum
  const changed = findings
    .filter(({ code }) => code === "CHECKSUM_MISMATCH")
    .flatMap(({ files, archive }) => files ?? archive);
  if (!ok) throw new Error(`carry over again: ${changed.join(", ") || findings[0]?.message}`);
}
//#endregion

// Run as a script, the stick is a folder, and one of its files is damaged on the way.
const { cp, readdir, readFile, writeFile } = await import("node:fs/promises");
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ source, folder, to }) => {
  const [outside, stick] = [`${folder}/outside`, `${folder}/stick`];
  await pack(source.host, [`${source.host}/demo/fe/packages/alb:v1.1.0`], outside, 1_000_000);
  await cp(outside, stick, { recursive: true });
  const chunk = (await readdir(stick)).find((name) => name.endsWith(".0001.chunk")) ?? "";
  const bytes = await readFile(`${stick}/${chunk}`);
  bytes[1000] = (bytes[1000] ?? 0) ^ 1;
  await writeFile(`${stick}/${chunk}`, bytes);
  await assert.rejects(unpack(stick, to), (error: Error) => {
    console.log(error.message);
    return error.message === `carry over again: ${chunk}`; // this one, of all the chunks its blob lies in
  });
  await cp(`${outside}/${chunk}`, `${stick}/${chunk}`);
  await unpack(stick, to);
  console.log("verified");
});
