import type { CliEvent } from "./cli-event.ts";
import { formatElapsed } from "./elapsed.ts";
import { formatBytes } from "./size.ts";

/** What kind of news a line is: what is done, what went otherwise than it should, what is lost. */
export type LineKind = "done" | "note" | "warning" | "failure";

/** An event that stays on the screen: words that say what kind it is, if any, and what follows them. */
export interface EventLine {
  readonly kind: LineKind;
  readonly mark: string;
  readonly text: string;
}

/** The line an event deserves, for people; `undefined` for one that only moves the progress. */
export function eventLine(event: CliEvent): EventLine | undefined {
  switch (event.type) {
    case "archive.finished": {
      const outcome = event.outcome === "written" ? "is finished" : "is unchanged";
      return done(`${event.archive} ${outcome} (${formatBytes(event.bytes)})`);
    }
    case "config.used":
      return note(`what flags do not say is in ${event.file}`);
    case "archive.removed":
      return note(`${event.archive} is no longer part of the bundle and was removed`);
    case "item.failed":
      return { kind: "failure", mark: "", text: `${event.archive} failed, the others go on: ${event.message}` };
    case "warning.raised":
      return warning(event.message);
    case "deps.status":
      return note(event.message);
    case "deps.done":
      return done(`${event.name} is there (${formatBytes(event.current)})`);
    case "deps.failed":
      return event.error.code === "ABORTED"
        ? undefined // of all that was under way, what ended it is told
        : { kind: "failure", mark: "", text: `${event.name} failed` }; // why is told at the end, once
    case "registry.warned":
      return warning(`${event.registry} says: ${event.message}`);
    case "mirror.failed":
      return warning(
        `${event.mirror} did not give ${event.reference} (${event.code}); the next source of ${event.registry} is asked`,
      );
    case "registry.slowed":
      return note(`${event.registry} asks for a rest of ${formatElapsed(event.delayMs)}`);
    case "transfer.retried":
    case "request.retried": {
      const pause = event.delayMs > 0 ? `in ${formatElapsed(event.delayMs)}` : "at once";
      return note(`retrying ${event.reference} after ${event.code} ${pause} (try ${event.attempt + 1})`);
    }
    case "request.answered":
      return done(`${event.method} ${event.path} ${event.status}`);
    case "request.failed":
      return { kind: "failure", mark: "", text: `${event.method} ${event.path} failed: ${event.reason}` };
    default:
      return undefined;
  }
}

function done(text: string): EventLine {
  return { kind: "done", mark: "", text };
}

function note(text: string): EventLine {
  return { kind: "note", mark: "", text };
}

function warning(text: string): EventLine {
  return { kind: "warning", mark: "warning: ", text };
}
