import { isMirrorError } from "@tranship/core";
import { isRootfsError } from "@tranship/core/rootfs";
import { digestOf } from "@tranship/registry";
import { parseImageConfig } from "../../../packages/core/src/rootfs/source/extract-config.ts";
import { readListedImages } from "../../../packages/core/src/services/catalog/listed-images.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireDecent, requireDigest, unlessRefused } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

/** The config of an image, as root file systems are made by it. */
export const imageConfigTarget: FuzzTarget = {
  name: "image-config",
  what: "configs of images",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "os",
    "architecture",
    "variant",
    "config",
    "rootfs",
    "diff_ids",
    "Entrypoint",
    "Cmd",
    "Env",
    "Labels",
    "ExposedPorts",
    "Volumes",
    "Healthcheck",
    "User",
    `sha256:${"0".repeat(64)}`,
  ]),
  judge: (input) => {
    const isOwn = (error: unknown) => isRootfsError(error, "IMAGE_INVALID");
    const read = unlessRefused(() => parseImageConfig(bytesOfInput(input), "the image"), isOwn);
    if (!read) return false;
    for (const digest of read.diffIds) requireDigest(digest);
    require(typeof JSON.parse(read.configJson) === "object", "a config that is no JSON");
    return true;
  },
};

const digest = digestOf(new Uint8Array());
const repository = { path: "packages/a", source: "registry.example.com/packages/a", images: [], blobs: [] };
const image = {
  tag: "v1",
  reference: "registry.example.com/packages/a:v1",
  mediaType: "a/b",
  digest,
  size: 1,
  why: [],
};

/** The files in which an image lists others. */
export const listedImagesTarget: FuzzTarget = {
  name: "listed-images",
  what: "`images_digests.json` and `extra_images.json`",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", ["console", "extra", "v1.0.0", `sha256:${"0".repeat(64)}`, "../x", "a/b"]),
  judge: async (input) => {
    const bytes = bytesOfInput(input);
    const files = new Map(["images_digests.json", "extra_images.json"].map((name) => [name, bytes]));
    try {
      const { internal, extras } = await readListedImages(repository, image, async () => files);
      for (const one of internal) requireDigest(one);
      for (const { name, tag } of extras) {
        require(/^[a-z0-9][a-z0-9._-]*$/.test(name), `the name ${JSON.stringify(name)} was accepted`);
        require(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(tag), `the tag ${JSON.stringify(tag)} was accepted`);
      }
      return true;
    } catch (error) {
      if (!isMirrorError(error, "IMAGE_FILE_INVALID")) throw error;
      requireDecent(error.message);
      return false;
    }
  },
};
