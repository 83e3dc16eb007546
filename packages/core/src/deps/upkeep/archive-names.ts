import { type Digest, isDigest } from "@tranship/registry";
import { layoutNames } from "../../layout/walk-layouts.ts";
import { PathClaims } from "../path-claims.ts";
import { isPathSegment } from "../path-segment.ts";
import { type CacheTree, placePath } from "./cache-tree.ts";
import { type ExportFile, invalidArchive } from "./export-file.ts";
import { isMirrorFile } from "./mirror-files.ts";

/** What is done with a file of an archive. */
export type ArchivePlace =
  | { readonly kind: "file"; readonly path: string; readonly digest?: Digest | undefined }
  | { readonly kind: "manifest"; readonly path: string }
  | { readonly kind: "index"; readonly path: string; readonly layout: string }
  | { readonly kind: "marker" }
  | { readonly kind: "mirror"; readonly mirror: string; readonly name: string; readonly path: string };

/** Says of the names in an archive where they are in a cache; a name that could be anywhere else, or be no file of a cache, is refused. */
export class ArchiveNames {
  readonly #tree: CacheTree;
  readonly #archive: string;
  readonly #mirrors: readonly string[];
  readonly #claims = new PathClaims();

  /** @throws DepsError `ARCHIVE_INVALID` for a mirror that is none, or is in another one */
  constructor(tree: CacheTree, archive: string, mirrors: ExportFile["mirrors"]) {
    this.#tree = tree;
    this.#archive = archive;
    this.#mirrors = mirrors;
    const seen = new PathClaims();
    for (const name of mirrors) {
      const { folder, names } = this.#placeOf(name);
      if (folder.kind !== "mirrors") throw this.#refuse(name, "no git mirror can be there");
      const path = placePath({ folder, names });
      if (seen.isOwn(path, name) || seen.claim(path, { key: name, id: name }))
        throw this.#refuse(name, "two git mirrors are in each other");
    }
  }

  /** @throws DepsError `ARCHIVE_INVALID` */
  fileAt(name: string): ArchivePlace {
    const place = this.#placeOf(name);
    const path = placePath(place);
    this.#claim(path, name);
    const { names, folder } = place;
    switch (folder.kind) {
      case "files":
        return {
          kind: "file",
          path,
          digest: /(?:^|\/)blobs$/.test(folder.name) ? this.#digestOf(name, names) : undefined,
        };
      case "upstream":
        return { kind: "file", path, digest: this.#digestOf(name, names, ".json") };
      case "manifests":
        if (names.length === 1 && name.endsWith(".json")) return { kind: "manifest", path };
        break;
      case "mirrors":
        return this.#mirrorFile(name, path);
      case "stores":
        return this.#layoutFile(name, path, names, folder.path);
    }
    throw this.#refuse(name, "a cache has no such file");
  }

  /** The path of a link, or of what it leads to: a file among files. @throws DepsError `ARCHIVE_INVALID` */
  linkAt(name: string, isTarget: boolean): string {
    const place = this.#placeOf(name);
    if (place.folder.kind !== "files") throw this.#refuse(name, "no link can be there, nor lead there");
    const path = placePath(place);
    if (!isTarget) this.#claim(path, name);
    return path;
  }

  #placeOf(name: string) {
    const place = this.#tree.placeNamed(name);
    if (place === undefined) throw this.#refuse(name, "it is in none of the folders of a cache");
    const wrong = place.names.find((one) => !isPathSegment(one));
    if (wrong === undefined) return place;
    throw this.#refuse(name, `${JSON.stringify(wrong.slice(0, 100))} cannot be the name of a file`);
  }

  #claim(path: string, name: string): void {
    const isTaken = this.#claims.isOwn(path, name) || this.#claims.claim(path, { key: name, id: name }) !== undefined;
    if (isTaken) throw this.#refuse(name, "it is there twice, or both a file and a folder");
  }

  #digestOf(name: string, names: readonly string[], suffix = ""): Digest {
    const [algorithm, file = "", ...more] = names;
    const digest = `${algorithm}:${file.slice(0, file.length - suffix.length)}`;
    if (isDigest(digest) && file.endsWith(suffix) && more.length === 0) return digest;
    throw this.#refuse(name, "it is not called by a digest");
  }

  #mirrorFile(name: string, path: string): ArchivePlace {
    const mirror = this.#mirrors.find((one) => name.startsWith(`${one}/`));
    const inner = mirror === undefined ? "" : name.slice(mirror.length + 1);
    if (mirror === undefined || !isMirrorFile(inner)) throw this.#refuse(name, "it is no file of a git mirror");
    return { kind: "mirror", mirror, name: inner, path };
  }

  #layoutFile(name: string, path: string, names: readonly string[], store: string): ArchivePlace {
    const last = names.at(-1);
    if (last === "oci-layout" || last === "index.json") {
      const layout = this.#layout(name, names.slice(0, -1), store);
      return last === "index.json" ? { kind: "index", path, layout } : { kind: "marker" };
    }
    this.#layout(name, names.slice(0, -3), store);
    if (names.at(-3) !== "blobs") throw this.#refuse(name, "it is no file of an image layout");
    return { kind: "file", path, digest: this.#digestOf(name, names.slice(-2)) };
  }

  #layout(name: string, names: readonly string[], store: string): string {
    // a registry's host may have a port, which is none of a repository's characters
    if (names.length > 0 && !names.some((one) => layoutNames.has(one.toLowerCase())))
      return placePath({ folder: { kind: "stores", path: store, name }, names });
    throw this.#refuse(name, "no image layout can be there");
  }

  #refuse(entry: string, reason: string) {
    return invalidArchive(this.#archive, reason, entry);
  }
}
