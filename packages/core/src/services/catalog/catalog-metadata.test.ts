import { MemoryRegistry, RegistryError } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import type { MirrorEvent } from "../../events.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import { plan } from "../plan.ts";
import type { CatalogServiceOptions } from "./catalog-service.ts";
import { ModulesService } from "./modules-service.ts";
import { PackagesService } from "./packages-service.ts";

/** Packages with two versions each and a stable channel at the older one. */
function aCatalog(...names: readonly string[]): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(
    source,
    "packages",
    names.map((tag) => anImage({ tag })),
  );
  for (const name of names) {
    for (const [version, ...channels] of [["v1.0.0", "stable"], ["v1.1.0"]]) {
      if (version === undefined) continue;
      seedMemory(source, `packages/${name}`, [anImage({ tag: version, seed: name })]);
      const files = { "version.json": JSON.stringify({ version }) };
      const release = anImage({ tags: [version, ...channels], files, seed: `${name} ${version}` });
      seedMemory(source, `packages/${name}/version`, [release]);
    }
  }
  return source;
}

/** Refuses to list some repositories. */
function refusing(
  source: MemoryRegistry,
  paths: readonly string[],
  code: "FORBIDDEN" | "SERVER_ERROR",
): MemoryRegistry {
  const { repository } = source;
  source.repository = (path) => {
    const own = repository.call(source, path);
    if (!paths.includes(path)) return own;
    own.tags = () => {
      throw new RegistryError(code, `cannot list ${path}`, { registry: "source", reference: path, status: 500 });
    };
    return own;
  };
  return source;
}

async function planOf(source: MemoryRegistry, options: Partial<CatalogServiceOptions> = {}) {
  const events: MirrorEvent[] = [];
  const service = new PackagesService({ source, ...options });
  const list = await plan([service], { onEvent: (event) => events.push(event) });
  return { list, warnings: events.flatMap((event) => (event.type === "warning.raised" ? event.code : [])) };
}

/** Tags of the archive by repository. */
function tagsOf({ archives }: DownloadList, name = "package-versions.tar"): Record<string, readonly string[]> {
  const repositories = archives
    .filter(({ archive }) => archive === name)
    .flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  return Object.fromEntries(repositories.map(({ path, images }) => [path, images.map(({ tag }) => tag)]));
}

const everything = ["stable", "v1.0.0", "v1.1.0"];

test.for([
  { options: {}, name: "without a selection" },
  { options: { include: ["a"] }, name: "of other packages than those asked for" },
  { options: { exclude: ["a"] }, name: "of packages that are excluded" },
  { options: { onlyExtraImages: true }, name: "when only extra images are wanted" },
  { options: { metadataOnly: true }, name: "when packages are not wanted" },
])("all tags of all release metadata come, $name", async ({ options }) => {
  const { list } = await planOf(aCatalog("a", "b"), options);
  expect(tagsOf(list)).toEqual({ "packages/a/version": everything, "packages/b/version": everything });
});

test("metadata alone is refused where there is nothing of it to bring", () => {
  const source = aCatalog("a");
  const refused = expect.objectContaining({ code: "SELECTION_INVALID" });
  expect(() => new PackagesService({ source, metadataOnly: true, catalogMetadata: false })).toThrow(refused);
  expect(() => new ModulesService({ source, metadataOnly: true })).toThrow(refused);
});

test("a package called versions has an archive of its own", async () => {
  const { list } = await planOf(aCatalog("versions"));
  expect(list.archives.map(({ archive }) => archive)).toEqual(["package-_versions.tar", "package-versions.tar"]);
  expect(Object.keys(tagsOf(list, "package-_versions.tar"))).toEqual([
    "packages/versions/version",
    "packages/versions",
  ]);
});

test.for([
  { include: ["a@=v1.1.0"] },
  { include: ["a@=v1.1.0+stable"] },
  { include: ["a@=v1.1.0+stable", "a@~1.0.0"] },
  { include: ["a@=v1.1.0"], proxy: true },
])("a channel stands for the same tag in both archives: $include, proxy $proxy", async ({ include, proxy = false }) => {
  const { list } = await planOf(aCatalog("a"), { include, proxy, attached: "none" });
  const channels = list.archives.flatMap(({ archive, sections }) =>
    sections.flatMap(({ repositories }) =>
      repositories.flatMap(({ images }) =>
        images.flatMap(({ tag, digest, why }) =>
          tag === "stable" || tag === "v1.1.0" ? [{ archive, tag, digest, why }] : [],
        ),
      ),
    ),
  );
  const stable = channels.filter(({ tag }) => tag === "stable");
  expect(stable.map(({ archive }) => archive)).toEqual(["package-a.tar", "package-versions.tar"]);
  expect(stable.map(({ why }) => why)).toEqual([["alias"], ["alias"]]); // the source's own channel is not brought besides
  const [one, other] = stable.map(({ digest }) => digest);
  expect(one).toBe(other);
  const released = list.archives
    .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories))
    .filter(({ path }) => path === "packages/a/version")
    .flatMap(({ images }) => images.filter(({ tag }) => tag === "v1.1.0"));
  expect(released[0]?.digest).toBe(one);
});

test("a package whose metadata the source refuses to list is told, and stops no other", async () => {
  const source = refusing(aCatalog("a", "b", "c"), ["packages/b/version"], "FORBIDDEN");
  const { list, warnings } = await planOf(source, { include: ["a"] });
  expect(tagsOf(list)).toEqual({ "packages/a/version": everything, "packages/c/version": everything });
  expect(warnings).toEqual(["IMAGE_UNUSABLE"]);
  const archive = "package-versions.tar";
  expect(list.missing).toEqual([
    { component: "package-versions", reference: "source/packages/b/version", why: "catalog", archive },
  ]);
});

test("a source that refuses all of it is an error, not an empty archive", async () => {
  const source = refusing(aCatalog("a", "b"), ["packages/a/version", "packages/b/version"], "FORBIDDEN");
  await expect(planOf(source, { metadataOnly: true })).rejects.toMatchObject({ details: { code: "FORBIDDEN" } });
});

test("a listing that fails and may go well later is an error", async () => {
  const source = refusing(aCatalog("a", "b"), ["packages/b/version"], "SERVER_ERROR");
  await expect(planOf(source)).rejects.toMatchObject({ details: { code: "SERVER_ERROR" } });
});

test("of a source that cannot list tags, the channels of the packages that are named come", async () => {
  const { list } = await planOf(aCatalog("a", "b"), { include: ["a@~1.0"], proxy: true, attached: "none" });
  expect(tagsOf(list)).toEqual({ "packages/a/version": ["stable"] });
});
