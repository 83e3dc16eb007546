import { parseItemDigest } from "../digest.ts";
import { DepsError } from "../errors.ts";
import type { ImageRow } from "./image-row.ts";
import { artifactSegments, type VmConfigItem } from "./items.ts";
import type { SeedSnapshot } from "./seeds-manifest.ts";
import { osImageName } from "./well-known.ts";

/**
 * Makes sure that files say all that fetching them takes: of each the digest, then the URL, then the size, and at last that
 * its names may be parts of a path.
 * @throws DepsError `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`, `DIGEST_LENGTH`, `URL_MISSING`, `SIZE_MISSING`,
 * `NAME_UNSAFE`
 */
export function validateItems(items: readonly VmConfigItem[]): void {
  const seen = new Set<string>();
  for (const item of items) {
    const { name, digest, url, size } = item;
    parseItemDigest(digest, name);
    if (url === "") throw new DepsError("URL_MISSING", `cannot fetch ${name}: it has no url`, { item: name });
    requireSize(name, size);
    artifactSegments(item);
    if (seen.has(name)) {
      const reason = name === osImageName ? "it is the name of the disk image" : "it is there twice";
      throw new DepsError("NAME_UNSAFE", `cannot use ${name}: ${reason}`, { what: "item name", name, reason });
    }
    seen.add(name);
  }
}

/**
 * Makes sure that image rows say all that fetching them takes: of each the reference, then the digest, then the size.
 * @throws DepsError `REFERENCE_MISSING`, `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`, `DIGEST_LENGTH`,
 * `SIZE_MISSING`
 */
export function validateImageRows(rows: readonly ImageRow[]): void {
  for (const { image, digest, size } of rows) {
    if (image === "") {
      const item = digest === "" ? "an image" : `image ${digest}`;
      throw new DepsError("REFERENCE_MISSING", `cannot fetch ${item}: it has no reference`, { item });
    }
    parseItemDigest(digest, image, { algorithms: ["sha256"] });
    requireSize(image, size);
  }
}

/**
 * Makes sure that a snapshot has one source, and what that needs. A file may be named by a local manifest only: a fetched
 * one has no business with our files.
 * @throws DepsError `SEED_SOURCE`, `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`, `DIGEST_LENGTH`, `SIZE_MISSING`
 */
export function validateSnapshot(name: string, snapshot: SeedSnapshot, isLocal: boolean): void {
  const { path, url, digest, size } = snapshot;
  const cannot = (reason: string) =>
    new DepsError("SEED_SOURCE", `cannot use seed snapshot ${name}: ${reason}`, { snapshot: name, reason });
  if (path === "" && url === "") throw cannot("it has neither path nor url");
  if (path !== "" && url !== "") throw cannot("it has both path and url");
  if (path !== "" && !isLocal) throw cannot("a manifest that is not local may not name local files");
  if (path !== "") return;
  parseItemDigest(digest, name, { algorithms: ["sha512"] });
  requireSize(name, size);
}

function requireSize(item: string, size: number): void {
  if (size <= 0) throw new DepsError("SIZE_MISSING", `cannot fetch ${item}: it has no size`, { item });
}
