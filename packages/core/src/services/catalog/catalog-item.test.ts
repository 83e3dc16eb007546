import { type Digest, digestHex, MemoryRegistry, RegistryError, referrersTag } from "@tranship/registry";
import { aLayer, anArtifact, anImage, anIndex, seedMemory } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../../events.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import { plan } from "../plan.ts";
import type { CatalogServiceOptions } from "./catalog-service.ts";
import { ModulesService } from "./modules-service.ts";
import { PackagesService } from "./packages-service.ts";

const versions = ["v1.44.0", "v1.45.1", "v1.45.2", "v1.46.0", "v2.0.0-rc.1"];
const channels = { alpha: "v1.46.0", beta: "v1.46.0", stable: "v1.45.2", "rock-solid": "v1.45.1" };

const component = anImage({ seed: "component" });

/** A catalog of one name, `app`, whose `v1.46.0` lists an internal image and two extra ones. */
function aCatalog(root = "packages", metadata = "version"): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, root, [anImage({ tag: "app" })]);
  for (const version of versions) {
    const files = {
      "images_digests.json": JSON.stringify({ common: { component: component.manifest.descriptor.digest } }),
      "extra_images.json": JSON.stringify({ scanner: "v1.2.3", enforcer: 7, ignored: true }),
    };
    const main = version === "v1.46.0" ? anImage({ tag: version, files }) : anImage({ tag: version });
    seedMemory(source, `${root}/app`, [main]);
    const pointing = Object.entries(channels).flatMap(([channel, pointed]) => (pointed === version ? channel : []));
    const release = anImage({ tags: [version, ...pointing], files: { "version.json": JSON.stringify({ version }) } });
    seedMemory(source, `${root}/app/${metadata}`, [release]);
  }
  seedMemory(source, `${root}/app`, [component]);
  seedMemory(source, `${root}/app/extra/scanner`, [anImage({ tag: "v1.2.3" })]);
  seedMemory(source, `${root}/app/extra/enforcer`, [anImage({ tag: "7" })]);
  return source;
}

/** What a plan has of `app`, by path: tags with their reasons. */
function imagesOf(list: DownloadList, archive = "package-app.tar"): Record<string, readonly string[]> {
  const repositories = list.archives
    .filter((one) => one.archive === archive)
    .flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  const byPath: Record<string, string[]> = {};
  for (const { path, images } of repositories) {
    byPath[path] = [...(byPath[path] ?? []), ...images.map(({ tag, why }) => `${tag} ${why.join("+")}`)];
  }
  return byPath;
}

async function planOf(options: Partial<CatalogServiceOptions>, source = aCatalog()) {
  const events: MirrorEvent[] = [];
  const service = new PackagesService({ source, ...options });
  const list = await plan([service], { onEvent: (event) => events.push(event) });
  const warnings = events.flatMap((event) => (event.type === "warning.raised" ? event.code : []));
  return { list, images: imagesOf(list), warnings, service };
}

const internalTag = digestHex(component.manifest.descriptor.digest);

describe("a name without a constraint", () => {
  test("brings its channels, what they point at, and what those list", async () => {
    const { images, warnings } = await planOf({ include: ["app"] });
    expect(images).toEqual({
      "packages/app": ["v1.45.1 version", "v1.45.2 version", "v1.46.0 version", `${internalTag} internal`],
      "packages/app/version": [
        ...["alpha channel", "beta channel", "rock-solid channel", "stable channel"],
        ...["v1.45.1 release", "v1.45.2 release", "v1.46.0 release"],
      ],
      "packages/app/extra/enforcer": ["7 extra"],
      "packages/app/extra/scanner": ["v1.2.3 extra"],
    });
    expect(warnings).toEqual([]);
  });

  test("that is excluded brings nothing", async () => {
    const { list, warnings } = await planOf({ exclude: ["app"] });
    expect(list.archives.map(({ archive }) => archive)).toEqual(["package-versions.tar"]);
    expect(warnings).toEqual([]);
  });

  test("that is excluded and not in the catalog is told: a misspelt one is brought", async () => {
    const { list, warnings } = await planOf({ exclude: ["ap"] });
    expect(list.archives.map(({ archive }) => archive)).toEqual(["package-app.tar", "package-versions.tar"]);
    expect(warnings).toEqual(["EXCLUSION_ABSENT"]);
  });
});

describe("a constraint", () => {
  test("adds the newest patches of its range to what the channels point at", async () => {
    const { images } = await planOf({ include: ["app@<=1.44"] });
    expect(images["packages/app"]?.slice(0, 4)).toEqual([
      "v1.44.0 constraint",
      "v1.45.1 version",
      "v1.45.2 version",
      "v1.46.0 version",
    ]);
  });

  test("of exact tags brings these alone, and every channel stands for a single one", async () => {
    const { images } = await planOf({ include: ["app@=v1.44.0"] });
    expect(images["packages/app"]).toEqual(["v1.44.0 pin"]);
    expect(images["packages/app/version"]).toEqual([
      ...["alpha", "beta", "early-access", "lts", "rock-solid", "stable"].map((channel) => `${channel} alias`),
      "v1.44.0 release",
    ]);
  });

  test.for([
    { include: ["app@=v1.44.0+stable"], expected: ["stable alias", "v1.44.0 release"] },
    {
      include: ["app@=v1.44.0+stable", "app@=v1.45.1"],
      expected: ["stable alias", "v1.44.0 release", "v1.45.1 release"],
    },
    { include: ["app@=v1.44.0", "app@=v1.45.1"], expected: ["v1.44.0 release", "v1.45.1 release"] },
  ])("$include gives the channels $expected", async ({ include, expected }) => {
    expect((await planOf({ include })).images["packages/app/version"]).toEqual(expected);
  });

  test("of a tag with a channel beside a range gives that channel to the tag, and the others to the source", async () => {
    const { list } = await planOf({ include: ["app@=v1.44.0+stable", "app@~1.46.0"] });
    const sections = list.archives.find(({ archive }) => archive === "package-app.tar")?.sections ?? [];
    const metadata = sections.flatMap(({ repositories }) =>
      repositories.flatMap(({ path, images }) => (path === "packages/app/version" ? images : [])),
    );
    const digestOf = (tag: string) => metadata.find((image) => image.tag === tag)?.digest;
    expect(digestOf("stable")).toBe(digestOf("v1.44.0"));
    expect(digestOf("alpha")).toBe(digestOf("v1.46.0"));
    const main = sections.flatMap(({ repositories }) => repositories.filter(({ path }) => path === "packages/app"));
    const tags = main.flatMap(({ images }) => images.map(({ tag }) => tag));
    expect(tags).toEqual(["v1.44.0", "v1.45.1", "v1.46.0", internalTag]); // v1.45.2, the source's stable, is not asked for
  });

  test("given twice is given once", async () => {
    const include = ["app@=v1.44.0", "app@=v1.44.0"];
    expect((await planOf({ include })).images).toEqual((await planOf({ include: ["app@=v1.44.0"] })).images);
  });

  test("of one name says nothing of another", async () => {
    const source = aCatalog();
    seedMemory(source, "packages", [anImage({ tag: "other" })]);
    seedMemory(source, "packages/other", [anImage({ tag: "v1.44.0", seed: "other" }), anImage({ tag: "v1.0.0" })]);
    const { list } = await planOf({ include: ["app@=v1.44.0", "other@^1.0.0"] }, source);
    expect(imagesOf(list)["packages/app"]).toEqual(["v1.44.0 pin"]);
    expect(imagesOf(list, "package-other.tar")["packages/other"]).toEqual(["v1.0.0 constraint", "v1.44.0 constraint"]);
  });

  test("never lets the catalog's archive contradict a tag that a channel stands for", async () => {
    const { list } = await planOf({ include: ["app@=v1.44.0"] });
    const digests = new Map<string, Set<Digest>>();
    for (const { sections } of list.archives) {
      for (const { path, images } of sections.flatMap(({ repositories }) => repositories)) {
        for (const { tag, digest } of images)
          digests.set(`${path}:${tag}`, (digests.get(`${path}:${tag}`) ?? new Set()).add(digest));
      }
    }
    expect([...digests].filter(([, found]) => found.size > 1)).toEqual([]);
  });

  test("of a tag that is not there is an error", async () => {
    await expect(planOf({ include: ["app@=v9.9.9"] })).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });

  test("that selects nothing of a name without channels is told", async () => {
    const source = new MemoryRegistry({ name: "source" });
    seedMemory(source, "packages", [anImage({ tag: "app" })]);
    seedMemory(source, "packages/app", [anImage({ tag: "v1.0.0" })]);
    expect((await planOf({ include: ["app@>=2.0.0"] }, source)).warnings).toEqual(["NOTHING_SELECTED"]);
  });
});

describe("a range of a name whose tags", () => {
  /** The catalog, but listing the tags of app ends so. */
  function listing(error: RegistryError): MemoryRegistry {
    const source = aCatalog();
    const { repository } = source;
    source.repository = (path) => {
      const own = repository.call(source, path);
      if (path !== "packages/app") return own;
      own.tags = () => {
        throw error;
      };
      return own;
    };
    return source;
  }

  test("are not there has what its channels point at, and is told", async () => {
    const gone = new RegistryError("NOT_FOUND", "no such repository", {
      registry: "source",
      reference: "packages/app",
    });
    const { images, warnings } = await planOf({ include: ["app@>=1.0.0"], attached: "none" }, listing(gone));
    expect(images["packages/app"]?.slice(0, 3)).toEqual(["v1.45.1 version", "v1.45.2 version", "v1.46.0 version"]);
    expect(warnings).toEqual(["NOTHING_SELECTED"]);
  });

  test("cannot be listed fails with its name and the cause", async () => {
    const cause = new RegistryError("SERVER_ERROR", "status 503", {
      registry: "source",
      reference: "app",
      status: 503,
    });
    await expect(planOf({ include: ["app@>=1.0.0"] }, listing(cause))).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      message: "cannot list the tags of source/packages/app: status 503",
      details: { code: "SERVER_ERROR", reference: "source/packages/app" },
      cause,
    });
  });
});

describe("release channels", () => {
  /** `app` with these channels, each an image with this `version.json`. */
  function pointing(files: Readonly<Record<string, string>>): MemoryRegistry {
    const source = new MemoryRegistry({ name: "source" });
    seedMemory(source, "packages", [anImage({ tag: "app" })]);
    seedMemory(source, "packages/app", [anImage({ tag: "v1.0.0" })]);
    const images = Object.entries(files).map(([tag, text]) => anImage({ tag, files: { "version.json": text } }));
    seedMemory(source, "packages/app/version", images);
    return source;
  }

  test("are six: the one for the long term counts where there is one", async () => {
    const source = pointing({ lts: '{"version":"1.0.0"}' });
    const { images } = await planOf({ include: ["app"] }, source);
    expect(images).toMatchObject({ "packages/app": ["v1.0.0 version"], "packages/app/version": ["lts channel"] });
  });

  test("that point at a version nobody published are told", async () => {
    const { list, warnings } = await planOf({ include: ["app"] }, pointing({ stable: '{"version":"v9.9.9"}' }));
    expect(list.missing.map(({ reference, why }) => `${reference} ${why}`)).toEqual([
      "source/packages/app/version:v9.9.9 release",
      "source/packages/app:v9.9.9 version",
    ]);
    expect(warnings).toEqual(["IMAGE_MISSING", "IMAGE_MISSING"]);
  });

  test.for(['{"version":""}', `{"version":"sha256:${"a".repeat(64)}"}`, `{"version":"v1@sha256:${"a".repeat(64)}"}`])(
    "that say %s point at no version, which is told",
    async (text) => {
      const { images, warnings } = await planOf({ include: ["app"] }, pointing({ stable: text }));
      expect(images).toEqual({ "packages/app/version": ["stable channel"] });
      expect(warnings).toEqual(["VERSION_UNKNOWN"]);
    },
  );

  test.for(["", "{", "[]", '{"version":7}', '{"version":"a b"}', '{"version":"../v1"}'])(
    "whose version.json is %j are refused",
    async (text) => {
      const planned = planOf({ include: ["app"] }, pointing({ stable: text }));
      await expect(planned).rejects.toMatchObject({ code: "IMAGE_FILE_INVALID" });
    },
  );
});

test("a name of the catalog that has no images is told only to who asked for it", async () => {
  const source = aCatalog();
  seedMemory(source, "packages", [anImage({ tag: "empty" })]);
  const all = await planOf({}, source);
  expect(all.list.archives.map(({ archive }) => archive)).toEqual(["package-app.tar", "package-versions.tar"]);
  expect(all.warnings).toEqual([]);
  expect((await planOf({ include: ["app", "empty"] }, source)).warnings).toEqual(["NOTHING_SELECTED"]);
});

test("names come in one order, whichever order the catalog lists them in", async () => {
  const source = aCatalog();
  const { repository } = source;
  source.repository = (path) => {
    const own = repository.call(source, path);
    if (path === "packages")
      own.tags = async function* () {
        yield* ["zoo", "app", "net"];
      };
    return own;
  };
  const service = new PackagesService({ source });
  const names = (await Array.fromAsync(service.explain())).map(({ name }) => name);
  expect(names).toEqual(["app", "net", "zoo"]);
});

test("an internal image that several versions list comes once", async () => {
  const source = aCatalog();
  const files = { "images_digests.json": `["${component.manifest.descriptor.digest}"]` };
  for (const tag of ["v1.44.0", "v1.45.1"]) seedMemory(source, "packages/app", [anImage({ tag, files })]);
  const { images, list } = await planOf({ include: ["app@<=1.45"] }, source);
  expect(images["packages/app"]?.filter((image) => image.endsWith("internal"))).toEqual([`${internalTag} internal`]);
  expect(list.missing).toEqual([]);
});

describe("extra images alone", () => {
  test("come with what a version that was left out would have had, and an exact tag has to be there", async () => {
    const source = aCatalog();
    const files = { "version.json": '{"version":"v9.9.9"}' };
    seedMemory(source, "packages/app/version", [anImage({ tag: "beta", files })]);
    const { list } = await planOf({ include: ["app"], onlyExtraImages: true }, source);
    expect(list.missing.map(({ reference }) => reference)).toEqual(["source/packages/app:v9.9.9"]);
    const pinned = planOf({ include: ["app@=v9.9.9"], onlyExtraImages: true }, source);
    await expect(pinned).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });

  test.for([{ include: ["app@=v1.46.0"] }, { include: ["app@>=1.46.0 <2.0.0"] }, { include: [] }])(
    "of $include are those of the versions it selects",
    async ({ include }) => {
      const { images } = await planOf({ include, onlyExtraImages: true });
      expect(images).toEqual({
        "packages/app/extra/enforcer": ["7 extra"],
        "packages/app/extra/scanner": ["v1.2.3 extra"],
      });
    },
  );

  test("that nobody lists are told to who asked for them", async () => {
    expect((await planOf({ include: ["app@=v1.44.0"], onlyExtraImages: true })).warnings).toEqual(["NOTHING_SELECTED"]);
  });

  test("are found by the channels, and nothing else is brought", async () => {
    const { images } = await planOf({ include: ["app"], onlyExtraImages: true });
    expect(images).toEqual({
      "packages/app/extra/enforcer": ["7 extra"],
      "packages/app/extra/scanner": ["v1.2.3 extra"],
    });
  });
});

describe("attestations", () => {
  /** The catalog with an attestation of an extra image and one of a version. */
  function attested(): MemoryRegistry {
    const source = aCatalog();
    const scanner = anImage({ tag: "v1.2.3" });
    const main = anImage({ tag: "v1.45.1" });
    const tag = ({ manifest }: typeof main) => `sha256-${digestHex(manifest.descriptor.digest)}.att`;
    seedMemory(source, "packages/app", [anImage({ tag: tag(main) })]);
    seedMemory(source, "packages/app/extra/scanner", [anImage({ tag: tag(scanner) })]);
    return source;
  }

  test("count among the images, and apart", async () => {
    const { service } = await planOf({ include: ["app"] }, attested());
    expect(service.stats()).toEqual({
      attempted: true,
      onlyExtraImages: false,
      packages: [{ name: "app", images: 15, vex: 2, versions: ["v1.45.1", "v1.45.2", "v1.46.0"] }],
      totalImages: 15,
      totalVex: 2,
    });
    expect((await planOf({ include: ["app"], attached: "all-but-vex" }, attested())).service.stats().totalVex).toBe(0);
  });

  test("of extra images come with these alone, into their own repository", async () => {
    const { images, service } = await planOf({ include: ["app"], onlyExtraImages: true }, attested());
    expect(images).toEqual({
      "packages/app/extra/enforcer": ["7 extra"],
      "packages/app/extra/scanner": ["v1.2.3 extra", expect.stringMatching(/^sha256-[0-9a-f]{64}\.att attestation$/)],
    });
    expect(service.stats()).toMatchObject({ onlyExtraImages: true, totalImages: 3, totalVex: 1 });
  });
});

describe("a source that cannot list tags", () => {
  function unlisted(): MemoryRegistry {
    const source = aCatalog();
    const { repository } = source;
    source.repository = (path) => {
      const own = repository.call(source, path);
      own.tags = () => {
        throw new Error("tags were listed");
      };
      return own;
    };
    return source;
  }

  test("is asked for one version after another", async () => {
    const { images } = await planOf({ include: ["app@>=1.45.1 <2.0.0"], proxy: true, attached: "none" }, unlisted());
    expect(images["packages/app"]?.slice(0, 3)).toEqual([
      "v1.45.1 constraint+version",
      "v1.45.2 constraint+version",
      "v1.46.0 constraint+version",
    ]);
  });

  test("has no names to offer", async () => {
    const { list, warnings } = await planOf({ proxy: true }, unlisted());
    expect([list.archives, warnings]).toEqual([[], ["NO_CATALOG"]]);
  });
});

describe("what is attached", () => {
  const child = anImage({ seed: "child" });
  const index = anIndex({ images: [child, anImage({ seed: "other" })], tag: "v1.0.0" });
  const subject = child.manifest.descriptor.digest;
  const signature = anArtifact({ subject: child, artifactType: "application/vnd.example.signature" });
  const vex = anArtifact({ subject: child, artifactType: "application/vnd.openvex+json" });

  function signed(): MemoryRegistry {
    const source = new MemoryRegistry({ name: "source" });
    seedMemory(source, "packages", [anImage({ tag: "app" })]);
    const start = `sha256-${digestHex(subject)}`;
    const attached = [
      anImage({ tag: `${start}.att` }),
      anImage({ tag: `${start}.sig` }),
      anImage({ tag: "unrelated" }),
    ];
    seedMemory(source, "packages/app", [index, ...attached, signature, vex]);
    return source;
  }

  test.for([
    { attached: "none", expected: [] },
    { attached: "vex", expected: ["sha256-HEX", "sha256-HEX.att"] },
    { attached: "all", expected: ["sha256-HEX", "sha256-HEX.att", "sha256-HEX.sig"] },
  ] as const)("to a child of an index comes along: $attached", async ({ attached, expected }) => {
    const { images } = await planOf({ include: ["app@=v1.0.0"], attached }, signed());
    const named = (images["packages/app"] ?? []).filter((image) => image.endsWith("attestation"));
    expect(named.map((image) => image.replace(digestHex(subject), "HEX").replace(" attestation", ""))).toEqual(
      expected,
    );
  });

  test("to an image by the referrers API comes as the list under its fallback tag", async () => {
    const { list } = await planOf({ include: ["app@=v1.0.0"] }, signed());
    const repositories = list.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
    const made = repositories.flatMap((repository) => repository.made ?? []);
    expect(made).toHaveLength(1);
    const entries = JSON.parse(made[0]?.text ?? "{}").manifests.map(({ digest }: { digest: Digest }) => digest);
    expect(entries.sort()).toEqual([signature, vex].map(({ manifest }) => manifest.descriptor.digest).sort());
    const tags = repositories.flatMap(({ images }) => images.map(({ tag, reference }) => [tag, reference]));
    expect(tags).toContainEqual([referrersTag(subject), `source/packages/app:${referrersTag(subject)}`]);
    const blobs = repositories.flatMap((repository) => repository.blobs.map(({ digest }) => digest));
    for (const { manifest } of [signature, vex]) expect(blobs).toContain(manifest.descriptor.digest);
  });
});

describe("files inside images", () => {
  test.for([
    { name: "that are no JSON", files: { "extra_images.json": "{" } },
    { name: "with a name that leaves its place", files: { "extra_images.json": '{"../../x":"v1"}' } },
    { name: "with what is no tag", files: { "extra_images.json": '{"x":"a b"}' } },
    { name: "with a list in place of an object", files: { "extra_images.json": "[]" } },
  ])("$name are refused", async ({ files }) => {
    const source = new MemoryRegistry({ name: "source" });
    seedMemory(source, "packages", [anImage({ tag: "app" })]);
    seedMemory(source, "packages/app", [anImage({ tag: "v1.0.0", layers: [aLayer({ files })] })]);
    await expect(planOf({ include: ["app@=v1.0.0"] }, source)).rejects.toMatchObject({ code: "IMAGE_FILE_INVALID" });
  });
});

describe("modules", () => {
  test("are mirrored like packages, without an archive for everything", async () => {
    const service = new ModulesService({ source: aCatalog("modules", "release"), include: ["app"] });
    const list = await service.plan();
    expect(list.archives.map(({ archive }) => archive)).toEqual(["module-app.tar"]);
    expect(Object.keys(imagesOf(list, "module-app.tar"))).toEqual([
      "modules/app/release",
      "modules/app",
      "modules/app/extra/enforcer",
      "modules/app/extra/scanner",
    ]);
    expect(service.stats()).toMatchObject({
      attempted: true,
      modules: [{ name: "app", versions: ["v1.45.1", "v1.45.2", "v1.46.0"], vex: 0 }],
    });
  });

  test.for(["", "my/mods"])("are read from %j, and lie below modules in the bundle", async (sourcePath) => {
    const source = new MemoryRegistry({ name: "source" });
    const main = anImage({ tag: "v1.0.0" });
    seedMemory(source, sourcePath, [anImage({ tag: "net" })]);
    seedMemory(source, sourcePath === "" ? "net" : `${sourcePath}/net`, [main]);
    const list = await new ModulesService({ source, include: ["net@=v1.0.0"], sourcePath }).plan();
    expect(imagesOf(list, "module-net.tar")).toEqual({ "modules/net": ["v1.0.0 pin"] });
  });
});
