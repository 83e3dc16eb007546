import type { CliEvent } from "./cli-event.ts";
import { formatBytes } from "./size.ts";
import type { TextStream } from "./text-stream.ts";

const redrawMs = 200;
const lineMs = 5000;

/** Tells how far a call is: one line redrawn on a terminal, a line now and then elsewhere; warnings and retries at once. */
export class Progress {
  readonly #stream: TextStream;
  readonly #archives = new Map<string, number>();
  #plannedBytes = 0;
  #doneBytes = 0;
  #movedBytes = 0;
  #startedMs = performance.now();
  #toldMs = performance.now();
  #hasLine = false;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  event(event: CliEvent): void {
    switch (event.type) {
      case "section.planned":
        this.#plannedBytes += event.bytes;
        this.#archives.set(event.archive, (this.#archives.get(event.archive) ?? 0) + event.bytes);
        break;
      case "blob.progress":
        this.#movedBytes += event.bytes;
        this.#doneBytes += event.bytes;
        break;
      case "checksum.started":
        if (this.#plannedBytes > 0) this.#plannedBytes += event.size; // a verification plans nothing
        break;
      case "checksum.progress":
        this.#movedBytes += event.bytes;
        this.#doneBytes += event.bytes;
        break;
      case "blob.started":
        this.#doneBytes += event.offset;
        break;
      case "blob.skipped":
        this.#doneBytes += event.size;
        break;
      case "archive.finished":
        if (event.outcome === "unchanged") this.#doneBytes += this.#archives.get(event.archive) ?? 0;
        this.#say(
          `${event.archive} ${event.outcome === "written" ? "is finished" : "is unchanged"} (${formatBytes(event.bytes)})`,
        );
        break;
      case "item.failed":
        this.#say(`${event.archive} failed, the others go on: ${event.message}`);
        break;
      case "archive.removed":
        this.#say(`${event.archive} is no longer part of the bundle and was removed`);
        break;
      case "warning.raised":
        this.#say(`warning: ${event.message}`);
        break;
      case "registry.warned":
        this.#say(`warning: ${event.registry} says: ${event.message}`);
        break;
      case "registry.slowed":
        this.#say(`${event.registry} asks for a rest of ${event.delayMs} ms`);
        break;
      case "request.answered":
        this.#say(`${event.method} ${event.path} ${event.status}`);
        return;
      case "request.failed":
        this.#say(`${event.method} ${event.path} failed: ${event.reason}`);
        return;
      case "transfer.retried":
      case "request.retried":
        this.#say(`retrying ${event.reference} after ${event.code} in ${event.delayMs} ms`);
        break;
      default:
        break;
    }
    this.#tick();
  }

  /** Clears the line in progress. */
  end(): void {
    if (this.#hasLine) this.#stream.write("\r\x1b[2K");
    this.#hasLine = false;
  }

  #say(text: string): void {
    this.end();
    this.#stream.write(`${text}\n`);
  }

  #tick(): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < (this.#stream.isTTY ? redrawMs : lineMs)) return;
    this.#toldMs = nowMs;
    const rate = this.#movedBytes / Math.max(1, (nowMs - this.#startedMs) / 1000);
    const total = this.#plannedBytes > 0 ? ` of ${formatBytes(this.#plannedBytes)}` : "";
    const text = `${formatBytes(this.#doneBytes)}${total}, ${formatBytes(rate)}/s`;
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[2K${text}`);
      this.#hasLine = true;
    } else this.#stream.write(`${text}\n`);
  }
}
