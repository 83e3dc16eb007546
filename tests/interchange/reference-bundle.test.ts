import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bundle, isMirrorError, type PushBundleOptions, pushBundle, verifyBundle } from "@tranship/core";
import { createRegistry, MemoryRegistry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { gnuTar } from "../support/gnu-tar.ts";
import { runTranship } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";
import { listed, makeReferenceBundle } from "./hand-made-bundle.ts";
import { inOrder, pushedTo, withoutDiscovery } from "./pushed.ts";
import { readAsReference } from "./reference-reader.ts";

let work = "";
let bundle = "";
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "tranship-interchange-"));
  bundle = makeReferenceBundle(work);
});
afterAll(() => rmSync(work, { recursive: true }));

/** A copy of the bundle that may be changed. */
function copyOfBundle(only?: RegExp): string {
  const copy = join(tempFolder(), "copy");
  cpSync(bundle, copy, { recursive: true });
  for (const name of readdirSync(copy)) if (only && !only.test(name)) rmSync(join(copy, name));
  return copy;
}

async function pushedFrom(
  places: readonly string[],
  options?: PushBundleOptions,
): Promise<ReturnType<typeof withoutDiscovery>> {
  const target = new MemoryRegistry();
  await using opened = await Bundle.open(places);
  await pushBundle(opened, target, options);
  return withoutDiscovery(await pushedTo(target));
}

test("the bundle is what the format says: regular files of mode 0777 in order, formats of all kinds, chunks too large and empty", () => {
  const lines = listed(bundle, "platform.tar");
  expect(lines.every((line) => /^-rwxrwxrwx 0\/0 /.test(line))).toBe(true);
  const names = gnuTar("-tf", join(bundle, "platform.tar")).toString().trim().split("\n");
  expect([...new Set(names.map((name) => name.replace(/\/.*/, "")))]).toEqual([
    "blobs",
    "index.json",
    "install",
    "install-standalone",
    "oci-layout",
    "release-channel",
  ]);
  const chunks = readdirSync(bundle).filter((name) => name.endsWith(".chunk"));
  const sizes = chunks.map((name) => readFileSync(join(bundle, name)).byteLength);
  expect(sizes.length).toBeGreaterThan(3);
  expect(sizes[0]).toBeGreaterThan(600_000);
  expect(sizes[0]).toBeLessThan(600_000 + 512 * 1024);
  expect(sizes.at(-1)).toBe(0);
  expect(readFileSync(join(bundle, "security.tar")).byteLength % 10_240).toBe(0);
});

describe("a bundle of the reference tool", () => {
  test.skipIf(lacking("docker-registry").length > 0)(
    "arrives in a docker-registry whole: every tag, digest and blob",
    async () => {
      await using registry = await startDockerRegistry();
      const pushed = await runTranship("push", bundle, `${registry.host}/mirror/fe`);
      expect(pushed.code).toBe(0);
      await using target = createRegistry(registry.host);
      const atTarget = (await pushedTo(target)).map((push) => ({
        ...push,
        repository: push.repository.replace(/^mirror\/fe\/?/, ""),
      }));
      const { images, names } = withoutDiscovery(atTarget);
      const reference = readAsReference(bundle);
      expect(inOrder(images)).toEqual(inOrder(reference.pushes));
      expect(images.length).toBeGreaterThan(50);
      // The reference announces `bar` as well, of which there is release metadata and nothing else.
      expect(names).toEqual({ modules: ["net", "old"], packages: ["foo"], "deckhouse-cli/plugins": ["tool"] });
      expect(reference.discovery).toEqual({ ...names, packages: ["bar", "foo"] });
      const again = await runTranship("push", bundle, `${registry.host}/mirror/fe`, "--json");
      expect(JSON.parse(again.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
        images: { written: 0, present: images.length },
        blobs: { written: 0 },
        discovery: { written: 0 },
      });
    },
  );

  test("passes verify, with no lock file of ours", async () => {
    await using opened = await Bundle.open(bundle);
    expect(await verifyBundle(opened)).toMatchObject({ ok: true, findings: [], archives: 8 });
  });

  test.for([
    { suffix: "", path: "modules" },
    { suffix: "/modules", path: "modules" },
    { suffix: "/", path: "" },
    { suffix: "/my/mods", path: "my/mods" },
  ])("goes to other paths with the modules' suffix $suffix", async ({ suffix, path }) => {
    const target = new MemoryRegistry();
    await using opened = await Bundle.open(bundle);
    await pushBundle(opened, target, { modulesPathSuffix: suffix });
    const moved = (repository: string) => repository.replace(/^modules(?:\/|$)/, path === "" ? "" : `${path}/`);
    const expected = readAsReference(bundle).pushes.map((push) => ({ ...push, repository: moved(push.repository) }));
    const all = await pushedTo(target);
    const announced = new Set(["net", "old"].map((name) => `${path}:${name}`));
    const key = ({ repository, tag }: { readonly repository: string; readonly tag: string }) => `${repository}:${tag}`;
    const { images } = withoutDiscovery(
      all.filter((push) => !announced.has(key(push))),
      ["packages", "deckhouse-cli/plugins"],
    );
    expect(images).toEqual(inOrder(expected));
    expect(all.filter((push) => announced.has(key(push))).map(({ tag }) => tag)).toEqual(["net", "old"]);
  });

  test.for([
    { name: "an archive alone", files: ["package-foo.tar"] },
    { name: "a chunk, which stands for all", files: ["plugin-tool.tar.0001.chunk"] },
    { name: "an archive by its name, of which there are only chunks", files: ["plugin-tool.tar"] },
    { name: "several archives", files: ["module-old.tar", "package-versions.tar", "plugin-tool.tar.0000.chunk"] },
  ])("can be pushed in part: $name", async ({ files }) => {
    const stems = files.map((file) => file.replace(/\.tar.*$/, ""));
    const part = copyOfBundle(new RegExp(`^(?:${stems.join("|")})\\.tar`));
    const { images } = await pushedFrom(files.map((file) => join(bundle, file)));
    expect(images).toEqual(inOrder(readAsReference(part).pushes));
    expect(images.length).toBeGreaterThan(0);
  });

  test("can be pushed as a folder and single archives beside it", async () => {
    const [some, rest] = [copyOfBundle(/^platform|^security/), copyOfBundle(/^module/)];
    const { images } = await pushedFrom([some, join(rest, "module-net.tar"), join(rest, "module-old.tar")]);
    for (const name of readdirSync(rest)) renameSync(join(rest, name), join(some, name));
    expect(images).toEqual(inOrder(readAsReference(some).pushes));
  });

  test("says the same in whichever order its archives come", async () => {
    const copy = copyOfBundle(/^package/);
    const inOneOrder = await pushedFrom([copy]);
    expect(inOneOrder.images).toEqual(inOrder(readAsReference(copy).pushes));
    renameSync(join(copy, "package-versions.tar"), join(copy, "a.tar"));
    const inOther = await pushedFrom([copy]);
    expect(inOther).toEqual(inOneOrder);
    expect(inOther.images).toEqual(inOrder(readAsReference(copy).pushes));
  });
});

describe("a damaged bundle is refused, and the target is not written to", () => {
  const archive = (copy: string, name: string) => join(copy, name);
  const bytesOf = (copy: string, name: string) => readFileSync(archive(copy, name));

  /** Packs a folder with one file more. */
  function withFile(copy: string, name: string, text: string, rename?: string): void {
    const folder = tempFolder();
    mkdirSync(join(folder, "x"));
    writeFileSync(join(folder, "x", name), text);
    const transform = rename === undefined ? [] : ["--transform", `s|^${name}$|${rename}|`, "-P"];
    gnuTar("--format=gnu", ...transform, "-cf", archive(copy, "zz.tar"), "-C", join(folder, "x"), name);
  }

  const damages: readonly { readonly name: string; readonly damage: (copy: string) => void; readonly says: RegExp }[] =
    [
      {
        name: "a chunk missing in the middle",
        damage: (copy) => rmSync(archive(copy, "plugin-tool.tar.0001.chunk")),
        says: /plugin-tool\.tar.*0001.*missing/,
      },
      {
        name: "the last chunk missing",
        damage: (copy) => {
          const chunks = readdirSync(copy).filter((name) => name.endsWith(".chunk"));
          for (const name of chunks.slice(-2)) rmSync(archive(copy, name)); // the very last one is empty
        },
        says: /plugin-tool\.tar.*cut short/,
      },
      {
        name: "an archive cut inside a file",
        damage: (copy) => truncateSync(archive(copy, "platform.tar"), bytesOf(copy, "platform.tar").byteLength - 5000),
        says: /platform\.tar.*cut short/,
      },
      {
        name: "an archive cut between two files",
        damage: (copy) => truncateSync(archive(copy, "platform.tar"), bytesOf(copy, "platform.tar").byteLength - 1024),
        says: /platform\.tar.*cut short/,
      },
      {
        name: "a flipped bit in a manifest",
        damage: (copy) =>
          flipBit(archive(copy, "package-foo.tar"), '"schemaVersion":2,"mediaType":"application/vnd.docker'),
        says: /package-foo\.tar.*hash/,
      },
      {
        name: "a name that leads out",
        damage: (copy) => withFile(copy, "file", "x", "../file"),
        says: /zz\.tar.*leads out/,
      },
      {
        name: "an absolute name",
        damage: (copy) => withFile(copy, "file", "x", "/etc/file"),
        says: /zz\.tar.*absolute/,
      },
      {
        name: "an index that is no JSON",
        damage: (copy) => withFile(copy, "index.json", "{"),
        says: /index\.json.*zz\.tar/,
      },
      {
        name: "an archive of nothing",
        damage: (copy) => writeFileSync(archive(copy, "zz.tar"), new Uint8Array(1024)),
        says: /zz\.tar.*no files/,
      },
      { name: "an empty file", damage: (copy) => writeFileSync(archive(copy, "zz.tar"), ""), says: /zz\.tar.*empty/ },
      {
        name: "an archive that is there whole and in chunks",
        damage: (copy) => cpSync(archive(copy, "platform.tar"), archive(copy, "platform.tar.0000.chunk")),
        says: /platform\.tar.*whole and in chunks/,
      },
    ];

  function flipBit(path: string, near: string): void {
    const bytes = readFileSync(path);
    const at = bytes.indexOf(near);
    if (at < 0) throw new Error("the place is not there");
    bytes[at + 1] = (bytes[at + 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
  }

  async function pushTo(host: string, place: string, options: PushBundleOptions = {}): Promise<unknown> {
    await using target = createRegistry(`${host}/mirror`, { retryDelayMs: 1 });
    await using opened = await Bundle.open(place);
    return await pushBundle(opened, target, options);
  }

  test.for(damages)("$name", async ({ damage, says }) => {
    const copy = copyOfBundle();
    damage(copy);
    await using registry = await startTestRegistry();
    const error = await pushTo(registry.host, copy).catch((thrown: unknown) => thrown);
    expect(isMirrorError(error, "ARCHIVE_INVALID") && error.message).toMatch(says);
    expect(registry.requests().filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
  });

  describe("a flipped bit in a layer", () => {
    function damagedCopy(): string {
      const copy = copyOfBundle(/^plugin/);
      const [chunk = ""] = readdirSync(copy);
      const bytes = bytesOf(copy, chunk);
      bytes[500_000] = (bytes[500_000] ?? 0) ^ 1;
      writeFileSync(archive(copy, chunk), bytes);
      return copy;
    }

    test("is found before the first write, and by a verification", async () => {
      const copy = damagedCopy();
      await using registry = await startTestRegistry();
      const error = await pushTo(registry.host, copy).catch((thrown: unknown) => thrown);
      expect(isMirrorError(error, "ARCHIVE_INVALID") && error.message).toMatch(/plugin-tool\.tar.*its bytes hash to/);
      expect(registry.requests().filter(({ method }) => method !== "GET" && method !== "HEAD")).toEqual([]);
      const { code, stdout } = await runTranship("verify", copy);
      expect({ code, stdout }).toMatchObject({ code: 3, stdout: expect.stringContaining("is damaged") });
    });

    test("is found on the way by a push that trusts the bundle: nothing is published that needs it", async () => {
      const copy = damagedCopy();
      await using registry = await startTestRegistry();
      const error = await pushTo(registry.host, copy, { prove: false }).catch((thrown: unknown) => thrown);
      expect(isMirrorError(error, "TRANSFER_FAILED") && error.details).toMatchObject({ code: "DIGEST_MISMATCH" });
      expect(await pushedTo(registry.registry)).toEqual([]);
    });
  });
});
