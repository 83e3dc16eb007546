import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aLayer, anImage, anIndex } from "@tranship/registry/testing";
import { Streebog256 } from "../../packages/core/src/checksums/streebog.ts";
import { gnuTar, packFolder } from "../support/gnu-tar.ts";
import { filesBelow, type HandMadeEntry, makeLayout } from "../support/hand-made.ts";

const channels = ["alpha", "beta", "early-access", "stable", "rock-solid"] as const;
const versions = ["v1.55.7", "v1.56.5"] as const;
const base = aLayer({ size: 2000, seed: "base" });

/** The largest slice the reference writes at a time, in bytes: how far its chunks may go over the limit. */
const sliceBytes = 512 * 1024;

/**
 * Builds, with GNU tar and by hand, a bundle as the reference tool would have pulled it: every kind of archive it knows,
 * in every tar format a reader must take, with all the oddities of its layouts.
 */
export function makeReferenceBundle(work: string): string {
  const bundle = join(work, "bundle");
  mkdirSync(bundle, { recursive: true });
  const pack = (
    name: string,
    format: "gnu" | "ustar" | "posix",
    fill: (root: string) => void,
    flags?: readonly string[],
  ) => {
    const root = join(work, "trees", name);
    fill(root);
    packFolder(root, join(bundle, `${name}.tar`), { format, names: filesBelow(root), ...(flags ? { flags } : {}) });
  };
  pack("platform", "gnu", platform);
  pack("installer", "ustar", (root) =>
    makeLayout(
      root,
      "installer",
      versions.map((tag) => image(tag, "installer")),
    ),
  );
  // As a tar of today does it: times and owners of the disk, and records padded to 10 KiB.
  pack("security", "posix", security, ["--sort=name"]);
  pack("module-net", "ustar", moduleNet);
  pack("module-old", "gnu", moduleOld);
  pack("package-foo", "ustar", packageFoo);
  pack("package-versions", "posix", (root) => {
    packageVersion(root, "foo");
    packageVersion(root, "bar");
  });
  pack("plugin-tool", "gnu", pluginTool);
  chunkAsReference(bundle, "plugin-tool.tar", 600_000);
  writeFileSync(join(bundle, "deckhousereleases.yaml"), "apiVersion: deckhouse.io/v1alpha1\nkind: DeckhouseRelease\n");
  for (const name of readdirSync(bundle).filter((file) => /\.(?:tar|chunk)$/.test(file))) {
    const hash = new Streebog256().update(readFileSync(join(bundle, name)));
    writeFileSync(join(bundle, `${name}.gostsum`), hash.digestHex()); // and no newline
  }
  return bundle;
}

/** Splits an archive the reference's way: over the limit by less than a slice, and with an empty chunk at its end. */
function chunkAsReference(bundle: string, archive: string, limitBytes: number): void {
  const bytes = readFileSync(join(bundle, archive));
  rmSync(join(bundle, archive));
  const chunkBytes = Math.ceil(limitBytes / sliceBytes) * sliceBytes;
  const chunks = Array.from({ length: Math.ceil(bytes.byteLength / chunkBytes) }, (_, at) =>
    bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes),
  );
  for (const [at, chunk] of [...chunks, new Uint8Array()].entries()) {
    writeFileSync(join(bundle, `${archive}.${String(at).padStart(4, "0")}.chunk`), chunk);
  }
}

function image(tag: string, seed: string): HandMadeEntry {
  return {
    tag,
    thing: anImage({
      seed: `${seed} ${tag}`,
      layers: [base, aLayer({ size: 200, seed: `${seed} ${tag}` })],
      docker: true,
    }),
  };
}

/** An image known by its digest alone, and what attests to it. */
function attested(seed: string): readonly HandMadeEntry[] {
  const thing = anImage({ seed, size: 300 });
  const hex = thing.manifest.descriptor.digest.slice("sha256:".length);
  const vex = anImage({ seed: `${seed} vex`, files: { "vex.json": "{}" } });
  return [
    { tag: hex, thing },
    { tag: `sha256-${hex}.att`, thing: vex },
  ];
}

function platform(root: string): void {
  makeLayout(root, "", [
    ...[...versions, ...channels].map((tag) => image(tag, "root")),
    ...attested("alpine"),
    ...attested("bashible"),
  ]);
  for (const path of ["install", "install-standalone"])
    makeLayout(
      root,
      path,
      versions.map((tag) => image(tag, "install")),
    );
  makeLayout(
    root,
    "release-channel",
    [...versions, ...channels].map((tag) => image(tag, "release-channel")),
  );
}

function security(root: string): void {
  const tags = { "trivy-db": "2", "trivy-bdu": "1", "trivy-java-db": "1", "trivy-checks": "0" };
  for (const [name, tag] of Object.entries(tags)) makeLayout(root, `security/${name}`, [image(tag, name)]);
}

function moduleNet(root: string): void {
  makeLayout(root, "modules/net", [image("v2.0.0", "net"), ...attested("net")]);
  makeLayout(root, "modules/net/release", [image("v2.0.0", "net release"), image("stable", "net release")]);
  makeLayout(root, "modules/net/extra/db", [image("v7", "net db")], {
    indexType: "application/vnd.oci.image.index.v1+json",
  });
  makeLayout(root, "modules/net/extra/none", []); // `manifests: null`
}

/** An archive without the module's folder, as it once was. */
function moduleOld(root: string): void {
  makeLayout(root, "", [image("v0.9.0", "old")]);
  makeLayout(root, "release", [image("v0.9.0", "old release")]);
}

function packageFoo(root: string): void {
  // One tag for two images: the last entry counts, in the place of the first.
  const twice = [image("v1.0.0", "foo before"), { ...image("v1.0.0", "foo"), refName: "z.example.com/foo:v1.0.0" }];
  makeLayout(root, "packages/foo", [...twice, ...attested("foo")]);
  packageVersion(root, "foo");
}

/** Channels are aliases of a version, behind the sorted entries, their `ref.name` cut at the first colon. */
function packageVersion(root: string, name: string): void {
  const version = image("v1.0.0", `${name} version`);
  const aliases = channels.map((tag) => ({ ...version, tag, refName: `registry.example.com:${tag}` }));
  makeLayout(root, `packages/${name}/version`, [version], { aliases });
}

/** A plugin for two platforms, large enough for three chunks. */
function pluginTool(root: string): void {
  const images = ["amd64", "arm64"].map((architecture) =>
    anImage({ seed: architecture, layers: [aLayer({ size: 1_100_000, seed: architecture, gzip: false })] }),
  );
  const platforms = ["amd64", "arm64"].map((architecture) => ({ architecture, os: "linux" }));
  const thing = anIndex({ images, platforms, annotations: { "org.opencontainers.image.title": "tool" } });
  makeLayout(root, "deckhouse-cli/plugins/tool", [{ tag: "v3.1.0", thing }]);
}

/** What GNU tar says is in an archive of a bundle, one line an entry. */
export function listed(bundle: string, archive: string): readonly string[] {
  return gnuTar("--numeric-owner", "-tvf", join(bundle, archive)).toString().trim().split("\n");
}
