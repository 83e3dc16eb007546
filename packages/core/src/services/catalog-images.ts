import { joinPath, type RegistryReader, type RepositoryReader, type Tag } from "@tranship/registry";
import type { WantedImage } from "../plan/build-step.ts";
import { releaseChannels } from "../selection/channels.ts";
import type { Catalog } from "./catalog.ts";

/** Where a repository is read and where it is stored: the same path on both sides. */
interface RepositoryPlace {
  readonly path: string;
  readonly repository: RepositoryReader;
}

/** Which images of a catalog's name are wanted, and what it means when one is not there. */
export class CatalogImages {
  readonly #catalog: Catalog;
  readonly #source: RegistryReader;

  constructor(catalog: Catalog, source: RegistryReader) {
    this.#catalog = catalog;
    this.#source = source;
  }

  /** The repository whose tags are the catalog's names. */
  get catalog(): RepositoryReader {
    return this.#source.repository(this.#catalog.root);
  }

  /** The release metadata of a name. */
  metadata(name: string): RepositoryPlace {
    return this.#place(name, this.#catalog.metadata);
  }

  /** The release channels of a name; one that does not exist is none. */
  channels(name: string): readonly WantedImage[] {
    const place = this.metadata(name);
    return releaseChannels.map((reference) => ({
      ...place,
      reference,
      why: "channel",
      whenMissing: "ignore",
      whenBroken: "fail",
    }));
  }

  /** Versions that channels point at, with their release metadata. */
  versions(name: string, versions: readonly Tag[]): readonly WantedImage[] {
    const [main, release] = [this.#place(name), this.metadata(name)];
    return versions.flatMap((reference): WantedImage[] => [
      { ...main, reference, why: "version", whenMissing: "report", whenBroken: "fail" },
      { ...release, reference, why: "release", whenMissing: "report", whenBroken: "fail" },
    ]);
  }

  /** Tags asked for by name, with their release metadata. */
  pinned(name: string, tags: readonly Tag[]): readonly WantedImage[] {
    const [main, release] = [this.#place(name), this.metadata(name)];
    return tags.flatMap((reference): WantedImage[] => [
      { ...main, reference, why: "pin", whenMissing: "fail", whenBroken: "fail" },
      { ...release, reference, why: "release", whenMissing: "report", whenBroken: "fail" },
    ]);
  }

  /** All of a name's release metadata. What nobody asked for stops nobody when it is broken. */
  allMetadata(name: string, tags: readonly Tag[]): readonly WantedImage[] {
    const place = this.metadata(name);
    return tags.map((reference) => ({
      ...place,
      reference,
      why: "catalog",
      whenMissing: "report",
      whenBroken: "report",
    }));
  }

  #place(name: string, ...below: readonly string[]): RepositoryPlace {
    const path = joinPath(this.#catalog.root, name, ...below);
    return { path, repository: this.#source.repository(path) };
  }
}
