import { digestOf } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { FakeClock, FakeTerminal } from "../../../../tests/support/fake-terminal.ts";
import type { CliEvent } from "./cli-event.ts";
import { HumanOutput, JsonOutput } from "./output.ts";
import type { ProgressFlags } from "./progress-flags.ts";

const mib = 1024 * 1024;
const utf8 = { LANG: "C.UTF-8" };

function digestNumber(at: number) {
  return digestOf(new Uint8Array([at]));
}

interface Stage {
  readonly clock: FakeClock;
  readonly output: HumanOutput;
  readonly tell: (...events: readonly CliEvent[]) => void;
}

function stageOn(
  stderr: FakeTerminal | ReturnType<typeof aPipe>,
  environment: Readonly<Record<string, string>> = utf8,
  flags: ProgressFlags = {},
): Stage {
  const clock = new FakeClock();
  const output = new HumanOutput(aPipe(), stderr, { environment, clock });
  output.begin("pull", flags);
  const tell = (...events: readonly CliEvent[]) => {
    for (const event of events) output.event(event);
  };
  return { clock, output, tell };
}

function aPipe() {
  return {
    isTTY: false,
    written: "",
    write(text: string) {
      this.written += text;
      return true;
    },
  };
}

function planned(bytes: number, items = 1): readonly CliEvent[] {
  return [
    { type: "items.listed", items },
    { type: "item.started", component: "packages", item: "console", archive: "package-console.tar" },
    { type: "section.planned", archive: "package-console.tar", images: 3, bytes },
  ];
}

function started(at: number, size: number, repository = "packages/console"): CliEvent {
  return { type: "blob.started", side: "source", repository, digest: digestNumber(at), size, offset: 0 };
}

function moved(at: number, bytes: number, repository = "packages/console"): CliEvent {
  return { type: "blob.progress", side: "source", repository, digest: digestNumber(at), bytes };
}

/** Two blobs of 40 and 60 MiB, ten seconds at 2 MiB a second. */
function halfWay({ clock, tell }: Stage): void {
  tell(...planned(100 * mib), started(1, 40 * mib), started(2, 60 * mib));
  for (let second = 0; second < 10; second += 1) {
    clock.pass(1000);
    tell(moved(1, mib), moved(2, mib));
  }
  clock.pass(200);
}

describe("on a terminal", () => {
  test("at 80 columns nothing is hidden and no line is broken", () => {
    const terminal = new FakeTerminal(80);
    const stage = stageOn(terminal);
    halfWay(stage);
    expect(terminal.screen).toEqual([
      `pulling   20%  ━━━━━━━━${"─".repeat(32)}   20.0 MiB of 100.0 MiB`,
      "   2.0 MiB/s  41s left  10s so far",
      `  packages/console@${digestNumber(1).slice(7, 19)}    40.0 MiB  ━━────────   25%`,
      `  packages/console@${digestNumber(2).slice(7, 19)}    60.0 MiB  ━─────────   16%`,
    ]);
    for (const line of terminal.screen) expect(line.length).toBeLessThan(80);
  });

  test("at 200 columns the bars have room, and all of the run is in one line", () => {
    const terminal = new FakeTerminal(200);
    const stage = stageOn(terminal);
    halfWay(stage);
    const [first = "", ...others] = terminal.screen;
    expect(first).toMatch(
      /^pulling {3}20% {2}━{12}─{48} {2} 20.0 MiB of 100.0 MiB +2.0 MiB\/s {2}41s left {2}10s so far$/,
    );
    expect(others).toHaveLength(2);
    expect(others[0]).toContain(` ${"━".repeat(7)}${"─".repeat(23)}   25%`);
  });

  test("after a resize in the middle, lines that stay stay, and the block is there once", () => {
    for (const widths of [
      [120, 50, 100],
      [100, 200, 30],
      [60, 61, 59],
    ]) {
      const terminal = new FakeTerminal(widths[0] ?? 80);
      const stage = stageOn(terminal);
      stage.tell({ type: "registry.warned", registry: "r.example.com", message: "the first line that stays" });
      halfWay(stage);
      for (const width of widths.slice(1)) {
        terminal.resize(width);
        stage.clock.pass(200);
        const text = terminal.screen.join("");
        expect(text).toContain("warning: r.example.com says: the first line that stays".slice(0, 25));
        expect(text.match(/pulling/g)).toHaveLength(1);
        expect(text.match(/so far/g)?.length ?? 0).toBeLessThanOrEqual(1);
        expect(text.match(/25%/g)).toHaveLength(1);
      }
    }
  });

  test("what is hashed before a push begins is not counted with it", () => {
    const terminal = new FakeTerminal(80);
    const { clock, tell } = stageOn(terminal);
    tell({ type: "checksum.started", file: "bundle", size: 8 * mib });
    tell({ type: "checksum.progress", file: "bundle", bytes: 4 * mib });
    clock.pass(1000);
    expect(terminal.screen[0]).toMatch(/^hashing {3}50% /);
    tell({ type: "checksum.finished", file: "bundle", size: 8 * mib, kinds: [], elapsedMs: 1000 });
    tell({ type: "work.planned", job: "push", blobs: 1, bytes: 4 * mib });
    clock.pass(200);
    expect(terminal.screen[0]).toMatch(/^pushing {4}0% .* 0 B of 4.0 MiB$/);
  });

  test("of stages side by side the first is told, with its own figures; one without any tells that it runs", () => {
    const terminal = new FakeTerminal(80);
    const { clock, tell } = stageOn(terminal);
    const progress = { type: "stage.progress", unit: "bytes" } as const;
    tell({ type: "stage.started", stage: "download" }, { type: "stage.started", stage: "merge" });
    tell({ ...progress, stage: "download", done: 2 * mib, total: 8 * mib });
    tell({ ...progress, stage: "merge", done: mib, total: 4 * mib });
    clock.pass(1000);
    expect(terminal.screen[0]).toMatch(/^downloading {3}25% .* 2.0 MiB of 8.0 MiB$/);
    tell({ type: "stage.finished", stage: "download", elapsedMs: 1000 });
    clock.pass(200);
    expect(terminal.screen[0]).toMatch(/^merging {3}25% .* 1.0 MiB of 4.0 MiB$/);
    tell({ type: "stage.finished", stage: "merge", elapsedMs: 1200 }, { type: "stage.started", stage: "format" });
    clock.pass(800);
    expect(terminal.screen).toEqual(["formatting  2s so far"]);
  });

  test("what is told meanwhile scrolls above the block", () => {
    const terminal = new FakeTerminal(80);
    const stage = stageOn(terminal);
    halfWay(stage);
    const block = terminal.screen;
    stage.tell({ type: "warning.raised", code: "IMAGE_MISSING", message: "app:v1 is not there" });
    stage.tell({
      type: "request.retried",
      registry: "r",
      reference: "r/app:v1",
      code: "TIMEOUT",
      attempt: 1,
      delayMs: 1500,
    });
    expect(terminal.screen).toEqual([
      "warning: app:v1 is not there",
      "retrying r/app:v1 after TIMEOUT in 2s (try 2)",
      ...block,
    ]);
  });

  test("characters that steer a terminal are shown as escapes, in lines and in the block", () => {
    const terminal = new FakeTerminal(80);
    const stage = stageOn(terminal);
    const evil = "app\u001b[2J\u0007\u202e\nfake\u009b1A";
    stage.tell({ type: "registry.warned", registry: "r", message: evil });
    stage.tell(...planned(mib), started(1, mib, evil));
    stage.clock.pass(200);
    expect(terminal.screen[0]).toBe("warning: r says: app\\u{1b}[2J\\u{7}\\u{202e}\\nfake\\u{9b}1A");
    expect(terminal.screen.at(-1)).toMatch(/^ {2}app\\u\{1b\}\[2J\\u\{7\}\\u\{20\.\.ke\\u\{9b\}1A@/);
  });

  test("says what it plans, how much is left to begin, and where the terminal is low no more than fits", () => {
    const terminal = new FakeTerminal(80, 7);
    const stage = stageOn(terminal);
    stage.tell(...planned(100 * mib, 12));
    stage.clock.pass(400);
    expect(terminal.screen).toEqual(["planning  1 of 12 items begun  3 images  100.0 MiB so far  400ms"]);
    stage.tell(...[1, 2, 3, 4].map((at) => started(at, mib)));
    stage.clock.pass(200);
    expect(terminal.screen[1]).toContain("item 1 of 12");
    expect(terminal.screen).toHaveLength(5);
    expect(terminal.screen.at(-1)).toBe("  and 2 more");
  });

  test.for([
    { name: "a report", end: (output: HumanOutput) => output.report("serve", { requests: 1 }, "done") },
    { name: "a failure", end: (output: HumanOutput) => output.failure(new Error("broken")) },
    { name: "the end of the process", end: (output: HumanOutput) => output.end() },
  ])("$name takes the block away and gives the cursor back", ({ end }) => {
    const terminal = new FakeTerminal(80);
    const stage = stageOn(terminal);
    halfWay(stage);
    expect([terminal.isCursorShown, stage.clock.tasks]).toEqual([false, 1]);
    end(stage.output);
    expect([terminal.isCursorShown, stage.clock.tasks]).toEqual([true, 0]);
    expect(terminal.screen.join("")).not.toContain("pulling");
  });

  test("bars are of ASCII where the locale is not known to be UTF-8", () => {
    const terminal = new FakeTerminal(80);
    halfWay(stageOn(terminal, { LANG: "C" }));
    expect(terminal.screen.join("\n")).toMatch(/^[\x20-\x7e\n]+$/);
  });
});

describe("without a terminal", () => {
  test("a line every five seconds, each understandable by itself, and never a sequence", () => {
    const pipe = aPipe();
    const stage = stageOn(pipe);
    halfWay(stage);
    expect(pipe.written.split("\n")).toEqual([
      "pulling: 8.0 MiB of 100.0 MiB (8%), 1.6 MiB/s, about 58s left; after 5s",
      "pulling: 18.0 MiB of 100.0 MiB (18%), 1.8 MiB/s, about 46s left; after 10s",
      "",
    ]);
  });

  test("while nothing comes, a line every thirty seconds says that the run is alive", () => {
    const pipe = aPipe();
    const stage = stageOn(pipe);
    stage.tell(...planned(mib));
    stage.clock.pass(66_000);
    expect(pipe.written.match(/^planning: /gm)).toHaveLength(3);
  });

  test.for([
    { name: "CI", environment: { CI: "true" } },
    { name: "a dumb terminal", environment: { TERM: "dumb" } },
  ])("$name gets plain lines though there is a terminal", ({ environment }) => {
    const terminal = new FakeTerminal(80);
    halfWay(stageOn(terminal, environment));
    expect(terminal.screen).toHaveLength(2);
    expect(terminal.isCursorShown).toBe(true);
  });
});

describe("what is asked for", () => {
  const warning: CliEvent = { type: "warning.raised", code: "IMAGE_MISSING", message: "gone" };
  const finished: CliEvent = { type: "archive.finished", archive: "a.tar", bytes: 1, outcome: "written" };

  test.for([
    { name: "none", flags: { progress: "none" }, lines: ["warning: gone", "a.tar is finished (1 B)"] },
    { name: "quiet", flags: { quiet: true }, lines: ["warning: gone"] },
    {
      name: "a bar where nothing can be redrawn",
      flags: { progress: "bar" },
      lines: ["warning: gone", "a.tar is finished (1 B)", expect.stringMatching(/^pulling/)],
    },
  ] as const)("$name", ({ flags, lines }) => {
    const pipe = aPipe();
    const stage = stageOn(pipe, {}, flags);
    stage.tell(...planned(mib), started(1, mib), warning, finished);
    stage.clock.pass(5000);
    expect(pipe.written.trimEnd().split("\n")).toEqual(lines);
  });

  test("with --json, lines of progress only for those who ask for them", () => {
    for (const [flags, expected] of [
      [{}, ""],
      [{ progress: "plain" }, "a.tar is finished (1 B)\n"],
    ] as const) {
      const stderr = aPipe();
      const output = new JsonOutput(aPipe(), stderr, { clock: new FakeClock() });
      output.begin("pull", flags);
      output.event(finished);
      expect(stderr.written).toBe(expected);
    }
  });
});

describe("colours", () => {
  const warning: CliEvent = { type: "warning.raised", code: "IMAGE_MISSING", message: "gone" };

  test.for([
    { name: "a terminal", isTTY: true, environment: {}, isColoured: true },
    { name: "a pipe", isTTY: false, environment: {}, isColoured: false },
    { name: "a pipe with FORCE_COLOR", isTTY: false, environment: { FORCE_COLOR: "1" }, isColoured: true },
    { name: "a pipe with CLICOLOR_FORCE", isTTY: false, environment: { CLICOLOR_FORCE: "1" }, isColoured: true },
    { name: "a terminal with FORCE_COLOR=0", isTTY: true, environment: { FORCE_COLOR: "0" }, isColoured: false },
    {
      name: "NO_COLOR before FORCE_COLOR",
      isTTY: true,
      environment: { NO_COLOR: "1", FORCE_COLOR: "1" },
      isColoured: false,
    },
    {
      name: "NO_COLOR before CLICOLOR_FORCE",
      isTTY: false,
      environment: { NO_COLOR: "1", CLICOLOR_FORCE: "1" },
      isColoured: false,
    },
    { name: "a dumb terminal", isTTY: true, environment: { TERM: "dumb" }, isColoured: false },
  ])("$name", ({ isTTY, environment, isColoured }) => {
    const stream = isTTY ? new FakeTerminal(80) : aPipe();
    stageOn(stream, environment).tell(warning);
    expect(stream.written.includes("\u001b[3")).toBe(isColoured);
  });
});

describe("a cache of dependencies", () => {
  const item = (type: "checking" | "queued" | "started" | "cached", name: string, total?: number): CliEvent => {
    return { type: `deps.${type}`, item: name, name, total };
  };
  const tell = ({ tell, clock }: Stage) => {
    for (const name of ["runc", "helm", "lb", "git"]) tell(item("checking", name));
    tell(item("cached", "lb", 5 * mib), item("queued", "runc", 40 * mib), item("queued", "helm", 60 * mib));
    tell(item("queued", "git"), item("started", "runc", 40 * mib), item("started", "git"));
    clock.pass(6000);
    tell({ type: "deps.progress", item: "runc", name: "runc", current: 10 * mib, total: 40 * mib });
    clock.pass(6000);
  };

  test("is told by its bytes and by how many items are where on their way", () => {
    const terminal = new FakeTerminal(120);
    const stage = stageOn(terminal);
    tell(stage);
    expect(terminal.screen.join("\n")).toMatch(
      /fetching +10% .* 10\.0 MiB of 100\.0 MiB[\s\S]*1 cached, 1 queued, 2 active/,
    );
    expect(terminal.screen.join("\n")).toMatch(/\n +runc +40\.0 MiB .* 25%/);
    expect(terminal.screen.join("\n")).toMatch(/\n +git +0 B/);
  });

  test("counts what fails as gone and what is done as whole, once each", () => {
    const pipe = aPipe();
    const stage = stageOn(pipe);
    tell(stage);
    const failure = { code: "NOT_FOUND", message: "it is gone" } as const;
    stage.tell(
      { type: "deps.done", item: "runc", name: "runc", current: 41 * mib, total: 41 * mib },
      { type: "deps.failed", item: "helm", name: "helm", error: failure },
      { type: "deps.failed", item: "git", name: "git", error: { code: "ABORTED", message: "ended" } },
    );
    stage.clock.pass(6000);
    const lines = pipe.written.trim().split("\n");
    expect(lines).toContain("runc is there (41.0 MiB)");
    expect(lines).toContain("helm failed");
    expect(pipe.written).not.toContain("git failed");
    expect(lines.at(-1)).toMatch(
      /^fetching: 41\.0 MiB of 41\.0 MiB \(100%\).*; 1 cached, 1 done, 2 failed; after 15s$/,
    );
  });
});
