import type { PullCounts } from "../../progress/pull-progress.ts";
import { BlobCounts } from "./blob-counts.ts";

const linePattern = /^\s*([0-9a-f]{12,64}): (.+?)\s*$/;

/**
 * Progress from what `docker pull` prints: `<id>: <status>`. It counts layers alone; one is complete when it is unpacked
 * or was there: after "Download complete" it is not.
 */
export class DockerCliProgress {
  readonly #counts = new BlobCounts();

  /** Takes a line; gives the counts if it was one about a layer. */
  takeLine(line: string): PullCounts | undefined {
    const [, id, status = ""] = linePattern.exec(line) ?? [];
    if (id === undefined) return undefined;
    this.#counts.see(id);
    if (/^(?:pull complete|already exists)$/i.test(status)) this.#counts.complete(id);
    return this.#counts.counts();
  }
}

/** One event of the daemon's pull, as far as it is read. */
export interface EngineEvent {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly progressDetail?: { readonly current?: number | undefined; readonly total?: number | undefined } | undefined;
}

const completeWords = new Set(["pull complete", "already exists", "download complete", "exists", "done"]);

/** Progress from the events of a pull by the daemon; bytes are those of downloads, not of the unpacking after them. */
export class DockerEngineProgress {
  readonly #counts = new BlobCounts();

  /** Takes an event; gives the counts if it was one about a layer. */
  takeEvent({ id, status = "", progressDetail }: EngineEvent): PullCounts | undefined {
    if (id === undefined || !/^[0-9a-f]{12,64}$/.test(id)) return undefined;
    this.#counts.see(id);
    const word = status.toLowerCase();
    if (progressDetail !== undefined && word === "downloading") {
      this.#counts.advance(id, progressDetail.current ?? 0, progressDetail.total ?? 0);
    }
    if (completeWords.has(word)) this.#counts.complete(id);
    return this.#counts.counts();
  }
}
