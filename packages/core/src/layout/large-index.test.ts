import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, digestOf, MediaType } from "@tranship/registry";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { maxIndexBytes } from "./index-file.ts";
import { LayoutDirectory } from "./layout-directory.ts";

test("an index that nobody would read is refused, and the one before stays", async () => {
  const directory = await LayoutDirectory.open(join(tempFolder(), "layout"));
  const entry: Descriptor = { mediaType: MediaType.ociManifest, digest: digestOf(new Uint8Array()), size: 0 };
  await directory.change(() => [entry]);
  const before = readFileSync(join(directory.path, "index.json"), "utf8");
  const long = { ...entry, annotations: { long: "x".repeat(maxIndexBytes) } };
  await expect(directory.change(() => [entry, long])).rejects.toMatchObject({
    code: "FILE_TOO_LARGE",
    details: { maxBytes: maxIndexBytes },
  });
  expect(readFileSync(join(directory.path, "index.json"), "utf8")).toBe(before);
  expect(readdirSync(directory.path).sort()).toEqual(["index.json", "oci-layout"]);
  expect((await directory.index())?.descriptors).toHaveLength(1);
});
