import { readJournal } from "../../../packages/core/src/bundle/journal.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireSame } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

const words = [
  "type",
  "run",
  "items",
  "section",
  "left",
  "version",
  "selection",
  "planner",
  "archive",
  "index",
  "missing",
  "\n",
];
const { mutate: mutateJsonText, ...parts } = jsonParts("bytes", words);

/** The plan of a running pull, in the folder of a bundle: a line that is torn or wrong ends it. */
export const journalTarget: FuzzTarget = {
  name: "plan",
  testRuns: 600,
  what: "`.tranship/plan.ndjson`",
  maxLength: 512 * 1024,
  ...parts,
  mutate: (input, choice) => {
    const lines = input.split("\n");
    const at = choice.below(lines.length);
    const changed = mutateJsonText?.(lines[at] ?? "", choice) ?? "";
    const others = choice.happens(0.2) ? lines.toSpliced(choice.below(lines.length), 1) : lines;
    return others.with(Math.min(at, others.length - 1), changed).join("\n");
  },
  judge: (input) => {
    const bytes = Buffer.from(bytesOfInput(input));
    const { lines, end } = readJournal(bytes);
    require(end <= bytes.byteLength && (end === 0 || bytes[end - 1] === 0x0a), `it ends at ${end}, within a line`);
    const counts = new Map<string, number>();
    for (const [at, line] of lines.entries()) {
      require((at === 0) === (line.type === "run"), "a run is not its first line");
      if (line.type !== "section") continue;
      const { archive, index } = line;
      require(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.tar$/.test(
        archive,
      ), `the archive ${JSON.stringify(archive)} was accepted`);
      require(index === (counts.get(archive) ?? 0), "sections are not in their order");
      counts.set(archive, index + 1);
    }
    requireSame(readJournal(bytes.subarray(0, end)), { lines, end }, "the good lines alone");
    return lines.length > 0;
  },
};
