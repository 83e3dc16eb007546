import type {
  Blob,
  OpenBlob,
  PushBlobOptions,
  PushOutcome,
  RepositoryReader,
  RepositoryWriter,
} from "@tranship/registry";

/**
 * A target that is only asked: a push to it tells what it would do. A blob that another repository of the run holds
 * counts as mounted, which a registry may still refuse.
 */
export class DryRepository implements RepositoryWriter {
  readonly #target: RepositoryReader;

  constructor(target: RepositoryReader) {
    this.#target = target;
  }

  get name(): string {
    return this.#target.name;
  }

  async pushBlob({ digest }: Blob, _open: OpenBlob, options: PushBlobOptions = {}): Promise<PushOutcome> {
    const { signal, mountFrom = [] } = options;
    if (await this.#target.statBlob(digest, { signal })) return "present";
    return mountFrom.length > 0 ? "mounted" : "written";
  }

  async pushManifest(): Promise<void> {}
}
