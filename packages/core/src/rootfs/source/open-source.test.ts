import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { anImage, anIndex, type BuiltImage, type BuiltIndex, partsOf } from "@tranship/registry/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageLayout } from "../../layout/image-layout.ts";
import { isRootfsError } from "../errors.ts";
import { openSource, type SourcePlace } from "./open-source.ts";
import { prepareSource } from "./prepare-source.ts";

const platform = { os: "linux", architecture: "amd64" };
const app = anImage({ tag: "v1" });
const other = anImage({ tag: "v2" });
const index = anIndex({ tag: "v3", images: [app], platforms: [platform] });
const [appDigest, indexDigest] = [app.manifest.descriptor.digest, index.manifest.descriptor.digest];

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tranship-places-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function layoutAt(path: string, ...images: readonly (BuiltImage | BuiltIndex)[]): Promise<string> {
  const root = join(folder, "tree", path);
  const layout = await ImageLayout.open(root);
  for (const { blobs, manifests } of images.map(partsOf)) {
    for (const blob of blobs) {
      await layout.pushBlob(blob, async function* () {
        yield blob.bytes;
      });
    }
    for (const { manifest, tags } of manifests) await layout.pushManifest(manifest, { tags });
  }
  return root;
}

function bundleOf(...names: readonly string[]): string {
  const bundle = join(folder, "bundle");
  mkdirSync(bundle);
  execFileSync("tar", ["--format=gnu", "-cf", join(bundle, "all.tar"), "-C", join(folder, "tree"), ...names]);
  return bundle;
}

async function digestsOf(place: SourcePlace, reference: string | undefined): Promise<readonly unknown[]> {
  await using opened = await openSource(place, reference);
  const { manifestDigest, indexDigest: chosenFrom } = await prepareSource({ ...opened.spec, platform });
  return [manifestDigest, chosenFrom];
}

test.for<[string, unknown]>([
  ["v1", undefined],
  ["v3", indexDigest],
  [appDigest, undefined],
  [`@${appDigest}`, undefined],
])("in an image layout, %s is found", async ([reference, chosenFrom]) => {
  const path = await layoutAt("", app, other, index);
  expect(await digestsOf({ kind: "oci", path }, reference)).toEqual([appDigest, chosenFrom]);
});

test.for([["packages/app:v1"], ["packages/app"], [`packages/app@${appDigest}`], [appDigest], ["single"], [undefined]])(
  "in a bundle and in a folder of layouts, %s is found",
  async ([reference]) => {
    await layoutAt(reference === "single" ? "single" : "packages/app", app);
    if (reference !== undefined) await layoutAt("packages/other", other);
    const places: readonly SourcePlace[] = [
      { kind: "oci", path: join(folder, "tree") },
      { kind: "bundle", path: bundleOf(".") },
    ];
    for (const place of places) expect(await digestsOf(place, reference)).toEqual([appDigest, undefined]);
  },
);

test.for<[string | undefined, readonly string[]]>([
  [undefined, ["app:v1", "other:v2"]],
  ["app:v9", ["app:v1", "other:v2"]],
  ["nothing/here", ["app:v1", "other:v2"]],
  ["../../etc:v1", ["app:v1", "other:v2"]],
  [`sha256:${"0".repeat(64)}`, ["app:v1", "other:v2"]],
])("what is not there is told with what is: %s", async ([reference, offered]) => {
  await layoutAt("app", app);
  await layoutAt("other", other);
  const places: readonly SourcePlace[] = [
    { kind: "oci", path: join(folder, "tree") },
    { kind: "bundle", path: bundleOf("app", "other") },
  ];
  for (const place of places) {
    const error = await openSource(place, reference).catch((reason: unknown) => reason);
    expect(isRootfsError(error, "IMAGE_NOT_FOUND") && error.details).toEqual({ reference: reference ?? "", offered });
  }
});

test.for<[SourcePlace["kind"], string]>([
  ["bundle", "SOURCE_FAILED"],
  ["oci", "SOURCE_FAILED"],
  ["docker-archive", "FILE_FAILED"],
])("a %s that is not there ends with %s", async ([kind, code]) => {
  await expect(openSource({ kind, path: join(folder, "none") }, "app")).rejects.toMatchObject({ code });
});

test("an aborted call ends with its reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(openSource({ kind: "oci", path: folder }, "v1", { signal })).rejects.toBe(signal.reason);
});

test.skipIf(process.platform === "win32")(
  "a pipe in place of a file of a layout, or of an archive, is not waited for",
  async () => {
    const layout = join(folder, "pipes");
    mkdirSync(layout);
    execFileSync("mkfifo", [join(layout, "oci-layout"), join(layout, "archive.tar")]);
    await expect(openSource({ kind: "oci", path: layout }, undefined)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
    const archive = openSource({ kind: "docker-archive", path: join(layout, "archive.tar") }, undefined);
    await expect(archive).rejects.toMatchObject({ code: "FILE_FAILED", details: { reason: "ESPIPE" } });
  },
);
