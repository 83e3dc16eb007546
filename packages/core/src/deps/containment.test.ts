import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { digestOf, type FileFetcher } from "@tranship/registry";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { DepsAccess } from "./access.ts";
import { ManifestDeps } from "./manifest-file/manifest-deps.ts";
import { PodplaneDeps } from "./podplane/manager/podplane-deps.ts";

const nobody = () => {
  throw new Error("nobody is to be asked");
};
const access: DepsAccess = { files: { fetch: nobody } satisfies FileFetcher, registry: nobody, git: "/nowhere/git" };

/** Folders with things in them that are nobody's business, and the place of a cache among them. */
function aWorld() {
  const root = tempFolder();
  const cacheDir = join(root, "caches", "mine");
  const outside = join(root, "outside");
  for (const folder of [dirname(cacheDir), outside, join(root, "work")]) mkdirSync(folder);
  writeFileSync(join(outside, "victim"), "precious");
  writeFileSync(join(outside, "x.lock"), "precious, too");
  writeFileSync(join(root, "caches", "neighbour"), "precious");
  return { root, cacheDir, outside };
}

/** All there is below a folder but for the cache: kinds, bytes and where links lead. */
function hashOf(folder: string, without: string): string {
  const hash = createHash("sha256");
  const visit = (path: string) => {
    if (path === without) return;
    const found = lstatSync(path);
    hash.update(`${path} ${found.mode} `);
    if (found.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (found.isFile()) hash.update(readFileSync(path));
    else for (const name of readdirSync(path).sort()) visit(join(path, name));
  };
  visit(folder);
  return hash.digest("hex");
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "none";
  } catch (error) {
    return (error as { readonly code?: string }).code ?? String(error);
  }
}

const evilNames = [
  ...[
    "../x",
    "../../outside/victim",
    "a/../../../x",
    "/etc/x",
    "//host/share",
    "a//b",
    "./a",
    "a/.",
    "a/..",
    "..",
    ".",
  ],
  ...["a\\..\\..\\x", "..\\x", "C:\\x", "c:x", "\\\\?\\x", "a\0b", "a\nb", "a\u202eb", "a\u200db", "\ud800", "x."],
  ...["x ", "CON", "nul.txt", "aux:x", "COM¹", "a/lpt1.log/b", "x".repeat(300), "a/".repeat(2000), " /x", "…/../x"],
];

/** What a cache has as soon as it was opened for writing. */
const own = [".tranship", ".tranship/lock", ".tranship/partial"];

const digest = digestOf(Buffer.from("x"));
const machine = (name: string, version: string, file: string) => {
  const item = { version, url: `https://h.example/${file}`, type: "binary", digest, size: 1 };
  const image = { version: "1", url: "https://h.example/d.qcow2", type: "qcow2", digest, size: 1 };
  return {
    vmconfig: {
      version: "1",
      kind: "knc",
      os: { name: "debian-13", arch: "amd64", image },
      dependencies: { [name]: item },
    },
  };
};

/** What of a manifest names a place in the cache. */
const ownFields: Readonly<Record<string, (text: string) => object>> = {
  id: (id) => ({ id, inline: "x" }),
  to: (to) => ({ id: "a", inline: "x", to }),
  image: (name) => ({ id: "a", image: `h.example/${name}:v1@${digest}` }),
  registry: (name) => ({ id: "a", image: `${name}/a:v1@${digest}` }),
  chart: (name) => ({ id: "a", chart: `oci://h.example/${name}:v1@${digest}` }),
  digest: (text) => ({ id: "a", url: "https://h.example/a", digest: `sha256:${text}` }),
};

/** The same in the manifests of podplane, by the option that takes the file. */
const podplaneFields: Readonly<
  Record<string, readonly [option: "vmconfig" | "components" | "templates" | "seeds", of: (text: string) => object]>
> = {
  "item name": ["vmconfig", (name) => machine(name, "1", "f")],
  "item version": ["vmconfig", (version) => machine("runc", version, "f")],
  image: [
    "components",
    (name) => ({ components: { version: "1", images: [{ image: `h.example/${name}`, digest, size: 1 }] } }),
  ],
  chart: [
    "templates",
    (name) => ({
      templates: { version: "1", charts: [{ name: "c", version: "1", type: "oci", url: `oci://h.example/${name}` }] },
    }),
  ],
  snapshot: ["seeds", (name) => ({ seeds: { version: "1", snapshots: { [name]: { path: "f.netsy" } } } })],
  "version of seeds": ["seeds", (version) => ({ seeds: { version, snapshots: { s: { path: "f.netsy" } } } })],
};

test.for(Object.entries(ownFields))(
  "a manifest whose %s is no name is refused before anything is written",
  async ([, of]) => {
    const { root, cacheDir } = aWorld();
    const before = hashOf(root, "");
    for (const name of evilNames) {
      const value = {
        tranship: "deps/v1",
        name: "m",
        version: "1",
        items: [{ id: "first", inline: "fine" }, of(name)],
      };
      const download = async () =>
        await new ManifestDeps({ cacheDir, access, source: { value, digest, localFolder: root } }).download();
      expect(await codeOf(download), JSON.stringify(name)).toMatch(/^(?:NAME_UNSAFE|MANIFEST_PARSE|DIGEST_\w+)$/);
    }
    expect(hashOf(root, "")).toBe(before); // there is no folder of a cache either
  },
);

test.for(Object.entries(podplaneFields))(
  "a manifest of podplane whose %s is no name is refused before anything is written",
  async ([what, [option, of]]) => {
    const { root, cacheDir } = aWorld();
    const path = join(root, "work", "manifest.json");
    const deps = new PodplaneDeps({ cacheDir, access });
    const names = evilNames.filter((name) => !(["image", "chart"].includes(what) && name.includes(":"))); // a tag
    for (const name of names) {
      writeFileSync(path, JSON.stringify(of(name)));
      writeFileSync(join(root, "work", "f.netsy"), "x");
      const before = hashOf(root, cacheDir);
      const download = () => deps.download({ arch: "amd64", only: [option], manifests: { [option]: path } });
      expect(await codeOf(download), JSON.stringify(name)).toMatch(
        /^(?:NAME_UNSAFE|MANIFEST_PARSE|REFERENCE_INVALID)$/,
      );
      expect(hashOf(root, cacheDir)).toBe(before);
      if (existsSync(cacheDir)) expect(readdirSync(cacheDir, { recursive: true }).sort()).toEqual(own);
    }
  },
);

const hex = digest.slice("sha256:".length);
const refused = "NAME_UNSAFE";

/** Symbolic links that were planted, where each leads, and how it ends: it is refused, or replaced. */
const links: readonly (readonly [at: string, to: string, code: string])[] = [
  ...["blobs", "blobs/sha256", "files", "files/etc"].map((at) => [at, "outside", refused] as const),
  ...["charts", "git", "git/h.example", "registry"].map((at) => [at, "outside", refused] as const),
  ...["charts/local", "charts/local/web", "registry/h.example/a"].map((at) => [at, "outside", "FILE_FAILED"] as const),
  ...["blobs", "files/etc", "charts", "git", "registry"].map((at) => [at, "outside/new", refused] as const),
  [".tranship", "outside", refused],
  ...["partial", "commit", "removed", "manifests"].map((at) => [`.tranship/${at}`, "outside", refused] as const),
  ...["owner", "state.json", "stamps", "commit.json"].map(
    (at) => [`.tranship/${at}`, "outside/victim", refused] as const,
  ),
  [".tranship/lock", "outside/new", refused],
  [`.tranship/partial/sha256-${hex}`, "outside/victim", "none"],
  [`blobs/sha256/${hex}`, "outside/victim", "none"],
  ["files/etc/motd", "outside/victim", "none"],
];

test.for(links)("a symbolic link planted at %s to %s leads no write there: %s", async ([at, to, code]) => {
  const { root, cacheDir } = aWorld();
  const chart = join(root, "work", "web");
  mkdirSync(chart);
  writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.0.0\n");
  mkdirSync(dirname(join(cacheDir, at)), { recursive: true });
  symlinkSync(join(root, to), join(cacheDir, at));
  const before = hashOf(root, cacheDir);
  const file = { id: "motd", inline: "x", to: "etc/motd" };
  const all: Readonly<Record<string, object>> = {
    charts: { id: "web", chart: "web", tags: ["v1"] },
    git: { id: "source", git: { url: "https://h.example/a", tag: "v1" } },
    registry: { id: "a", image: `h.example/a:v1@${digest}` },
  };
  const value = { tranship: "deps/v1", name: "m", version: "1", items: [all[at.split("/")[0] ?? ""] ?? file] };
  const source = { value, digest, localFolder: join(root, "work") };
  expect(await codeOf(() => new ManifestDeps({ cacheDir, access, source }).download())).toBe(code);
  expect(hashOf(root, cacheDir)).toBe(before);
});
