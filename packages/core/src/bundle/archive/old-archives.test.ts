import { createRegistry, type Descriptor, MediaType } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { beforeEach, describe, expect, test } from "vitest";
import {
  blobFiles,
  layoutFiles,
  type TarFile,
  tagged,
  tarImage,
  writeChunks,
  writeTar,
} from "../../../../../tests/support/tar-bundle.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { blobPath } from "../../plan/section.ts";
import { pushBundle } from "../../push/push-bundle.ts";
import { Bundle } from "../bundle.ts";

const image = tarImage("a");
const blobs = blobFiles("app", [image]);

let folder = "";
beforeEach(() => {
  folder = tempFolder();
});

function json(name: string, value: unknown): TarFile {
  return [name, Buffer.from(typeof value === "string" ? value : JSON.stringify(value))];
}

/** Every tag of a bundle as `path:tag`. */
async function tagsIn(bundle: Bundle): Promise<readonly string[]> {
  const tags: string[] = [];
  for await (const path of bundle.repositories()) {
    for await (const tag of bundle.repository(path).tags()) tags.push(`${path}:${tag}`);
  }
  return tags;
}

describe("what other tools and old versions write is read", () => {
  const v1 = tagged(image, "v1");
  const older: readonly {
    readonly name: string;
    readonly files: readonly TarFile[];
    readonly tags?: readonly string[];
  }[] = [
    { name: "no oci-layout", files: [...blobs, json("app/index.json", { schemaVersion: 2, manifests: [v1] })] },
    {
      name: "schemaVersion 0 and the media type of a layout",
      files: [
        ...blobs,
        json("app/index.json", {
          schemaVersion: 0,
          mediaType: "application/vnd.oci.image.layout.v1+json",
          manifests: [v1],
        }),
      ],
    },
    { name: "neither schemaVersion nor media type", files: [...blobs, json("app/index.json", { manifests: [v1] })] },
    {
      name: "annotations and a subject of the index itself",
      files: [
        ...blobs,
        json("app/index.json", { manifests: [v1], annotations: { a: "b" }, subject: image.descriptor, more: [1] }),
      ],
    },
    {
      name: "an empty platform",
      files: [...blobs, json("app/index.json", { manifests: [{ ...v1, platform: { architecture: "", os: "" } }] })],
    },
    {
      name: "entries of further tags appended out of order, their references cut at the wrong colon",
      files: [
        ...blobs,
        json("app/index.json", {
          manifests: [tagged(image, "v1", "host:5000/app:v1"), tagged(image, "alpha", "host:alpha")],
        }),
      ],
      tags: ["app:v1", "app:alpha"],
    },
    {
      name: "an index file before the blobs it needs",
      files: [json("app/index.json", { manifests: [v1] }), ...blobs],
    },
    {
      name: "files that are no layout's, and a folder called tmp",
      files: [
        ...layoutFiles("app", { v1: image }),
        ...layoutFiles("tmp/app", { v1: image }),
        json("README.md", "read me"),
        json("app/blobs/sha256/not-a-digest", "what is this"),
        json("app/blobs/md5/d41d8cd98f00b204e9800998ecf8427e", ""),
      ],
      tags: ["app:v1", "tmp/app:v1"],
    },
    {
      name: "layouts that hold nothing, beside one that does",
      files: [
        ...layoutFiles("app", { v1: image }),
        json("app/version/index.json", { manifests: null }),
        json("app/extra/index.json", {}),
        json("app/extra/scanner/index.json", { manifests: [] }),
        json("app/extra/scanner/oci-layout", { imageLayoutVersion: "1.0.0" }),
      ],
    },
  ];

  test.for(older)("$name", async ({ files, tags = ["app:v1"] }) => {
    writeTar(folder, "package-app.tar", files);
    await using bundle = await Bundle.open(folder);
    await bundle.checkGraphs();
    expect(await tagsIn(bundle)).toEqual(tags);
    await using registry = await startTestRegistry();
    await using target = createRegistry(`${registry.host}/mirror`);
    await pushBundle(bundle, target);
    for (const tag of tags) {
      const [path = "", name = ""] = tag.split(":");
      expect((await target.repository(path).resolve(name))?.digest).toBe(image.descriptor.digest);
    }
  });
});

describe("an archive of a single module", () => {
  const rooted = [...layoutFiles("", { v1: image }), ...layoutFiles("release", { stable: image })];
  test.for<{
    readonly name: string;
    readonly archive?: string;
    readonly files: readonly TarFile[];
    readonly tags: readonly string[];
  }>([
    {
      name: "without a folder of its own is put into one",
      files: rooted,
      tags: ["modules/ingress:v1", "modules/ingress/release:stable"],
    },
    {
      name: "with its folder stays where it is",
      files: layoutFiles("modules/ingress", { v1: image }),
      tags: ["modules/ingress:v1"],
    },
    {
      name: "with its folder and other files stays where it is",
      files: [...layoutFiles("release", { stable: image }), ...layoutFiles("modules/ingress", { v1: image })],
      tags: ["modules/ingress:v1", "release:stable"],
    },
    {
      name: "with a folder that only begins like its own stays where it is",
      files: layoutFiles("modules/ingress-nginx", { v1: image }),
      tags: ["modules/ingress-nginx:v1"],
    },
    {
      name: "with the folder of another module is put into its own",
      files: layoutFiles("modules/other", { v1: image }),
      tags: ["modules/ingress/modules/other:v1"],
    },
    {
      name: "is known by its name only",
      archive: "package-ingress.tar",
      files: rooted,
      tags: [":v1", "release:stable"],
    },
  ])("$name", async ({ archive = "module-ingress.tar", files, tags }) => {
    const [whole, chunked] = [tempFolder(), tempFolder()];
    writeTar(whole, archive, files);
    writeChunks(chunked, archive, files, 3000);
    for (const places of [[whole], [chunked], [whole, chunked]]) {
      await using bundle = await Bundle.open(places);
      expect(await tagsIn(bundle)).toEqual(tags);
      await bundle.checkGraphs();
    }
  });
});

describe("refused before the target is asked anything:", () => {
  const list = (...manifests: readonly Descriptor[]) => json("app/index.json", { manifests });
  const v1 = tagged(image, "v1");
  const layer = `app/${blobPath(image.layer.digest)}`;
  const config = Buffer.from("{}");
  const noManifest = tarImage("b");
  const cases: readonly {
    readonly name: string;
    readonly files: readonly TarFile[];
    readonly entry: string;
    readonly says: string;
  }[] = [
    {
      name: "an index that is no JSON",
      files: [...blobs, json("app/index.json", "{")],
      entry: "app/index.json",
      says: "it cannot be read",
    },
    {
      name: "an index that is no object",
      files: [...blobs, json("app/index.json", "[]")],
      entry: "app/index.json",
      says: "it cannot be read",
    },
    {
      name: "an index with manifests that are no list",
      files: [...blobs, json("app/index.json", { manifests: {} })],
      entry: "app/index.json",
      says: "manifests",
    },
    { name: "an index twice", files: [...blobs, list(v1), list(v1)], entry: "app/index.json", says: "twice" },
    {
      name: "an index twice under two spellings",
      files: [...blobs, list(v1), json("./app/index.json", { manifests: [v1] })],
      entry: "app/index.json",
      says: "twice",
    },
    {
      name: "an entry whose manifest is missing",
      files: [...blobs.slice(1), list(v1)],
      entry: "app/index.json",
      says: "is not in the bundle",
    },
    {
      name: "an entry whose manifest has another size",
      files: [...blobs, list({ ...v1, size: v1.size + 1 })],
      entry: "app/index.json",
      says: "bytes, not",
    },
    {
      name: "an entry of another media type",
      files: [...blobs, list({ ...v1, mediaType: "text/plain" })],
      entry: "app/index.json",
      says: "text/plain",
    },
    {
      name: "a tag that is none",
      files: [...blobs, list(tagged(image, "../v1"))],
      entry: "app/index.json",
      says: "is no tag",
    },
    {
      name: "an index where the entry is an image",
      files: [...blobs, list({ ...v1, mediaType: MediaType.ociIndex })],
      entry: "app/blobs/",
      says: "",
    },
    {
      name: "a manifest that is no manifest",
      files: [
        [`app/${blobPath(noManifest.config.digest)}`, noManifest.bytes.get(noManifest.config.digest) ?? config],
        list({ ...tagged(noManifest, "v1"), ...noManifest.config, mediaType: MediaType.ociManifest }),
      ],
      entry: "app/blobs/",
      says: "",
    },
    {
      name: "a layer that is missing",
      files: [...layoutFiles("app", { v1: image }, [image.layer.digest])],
      entry: "app/blobs/",
      says: blobPath(image.layer.digest),
    },
    {
      name: "a config that is missing",
      files: [...layoutFiles("app", { v1: image }, [image.config.digest])],
      entry: "app/blobs/",
      says: blobPath(image.config.digest),
    },
    {
      name: "a layer of another size",
      files: [...layoutFiles("app", { v1: image }, [image.layer.digest]), json(layer, "short")],
      entry: "app/blobs/",
      says: "has 5 bytes",
    },
    {
      name: "a manifest whose bytes are others",
      files: [
        ...layoutFiles("app", { v1: image }, [image.descriptor.digest]),
        [`app/${blobPath(image.descriptor.digest)}`, Buffer.alloc(image.descriptor.size, 32)],
      ],
      entry: "app/blobs/",
      says: "hash to",
    },
    {
      name: "an absolute name",
      files: [...layoutFiles("app", { v1: image }), json("/etc/passwd", "root")],
      entry: "/etc/passwd",
      says: "absolute",
    },
    {
      name: "a name that leads out",
      files: [...layoutFiles("app", { v1: image }), json("../app/index.json", {})],
      entry: "../app/index.json",
      says: "leads out",
    },
    {
      name: "a name with a backslash",
      files: [...layoutFiles("app", { v1: image }), json("app\\index.json", {})],
      entry: "app\\index.json",
      says: "backslash",
    },
    {
      name: "a name on a drive",
      files: [...layoutFiles("app", { v1: image }), json("C:/app", {})],
      entry: "C:/app",
      says: "absolute",
    },
    {
      name: "a folder that is no repository's",
      files: [...layoutFiles("App Of Mine", { v1: image })],
      entry: "App Of Mine/index.json",
      says: "no repository path",
    },
  ];

  test.for(cases)("$name", async ({ files, entry, says }) => {
    writeTar(folder, "package-app.tar", [...layoutFiles("good", { v1: tarImage("good") }), ...files]);
    await using registry = await startTestRegistry();
    await using target = createRegistry(`${registry.host}/mirror`);
    const pushed = Bundle.open(folder).then(async (bundle) => {
      await using open = bundle;
      await pushBundle(open, target);
    });
    await expect(pushed).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining(says),
      details: { archive: "package-app.tar", entry: expect.stringContaining(entry) },
    });
    expect(registry.requests()).toEqual([]);
  });
});
