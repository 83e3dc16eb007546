import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { type DepsErrorCode, isDepsError } from "../errors.ts";
import type { DepsEvent } from "../events.ts";
import { findCacheFolder } from "./cache-folder.ts";
import { type CommitDisk, localDisk } from "./commit-disk.ts";
import { commitFiles, finishCommit } from "./commit-files.ts";
import { DepsCache } from "./deps-cache.ts";

async function codeOf(work: Promise<unknown>): Promise<DepsErrorCode | undefined> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isDepsError(error)) return error.code;
  throw error ?? new Error("it did not fail");
}

/** The warnings of a run, by their codes. */
function warnings() {
  const events: DepsEvent[] = [];
  const codes = () => events.map((event) => (event.type === "warning" ? event.warning.code : event.type));
  return { events, codes, onEvent: (event: DepsEvent) => void events.push(event) };
}

describe("lock", () => {
  /** Node 22 cannot read our sources by itself: there, tests run beside packed packages. */
  const { TRANSHIP_PACKED: packed } = process.env;
  const source =
    packed === undefined
      ? new URL("./deps-cache.ts", import.meta.url)
      : pathToFileURL(join(packed, "@tranship/core/dist/deps/cache/deps-cache.js"));
  const holder = `
    import { DepsCache } from ${JSON.stringify(source.href)};
    globalThis.held = await DepsCache.open(process.argv[1]);
    await globalThis.held.commit([{ path: "notes.json", bytes: "{}" }]);
    process.stdout.write("held\\n");
    setInterval(() => {}, 1000);
  `;

  test("whoever comes second waits, is told for whom, and goes on the moment the first is killed", async () => {
    const folder = tempFolder();
    const child = spawn(process.execPath, ["--input-type=module", "-e", holder, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await once(child.stdout, "data");
    expect(await codeOf(DepsCache.open(folder, { lock: "fail" }))).toBe("CACHE_LOCKED");
    const events: DepsEvent[] = [];
    const onEvent = (event: DepsEvent) => {
      events.push(event);
      child.kill("SIGKILL");
    };
    await using cache = await DepsCache.open(folder, { onEvent });
    expect(readFileSync(join(cache.path, "notes.json"), "utf8")).toBe("{}");
    const message = expect.stringContaining(`process ${child.pid} on `);
    expect(events).toEqual([{ type: "warning", warning: { code: "WAITING_FOR_LOCK", message } }]);
  });

  test("waiting ends with the owner, with its time, and with the signal's reason", async () => {
    const folder = tempFolder();
    const first = await DepsCache.open(folder);
    expect(await codeOf(DepsCache.open(folder, { lockTimeoutMs: 1 }))).toBe("CACHE_LOCKED");
    const ending = new AbortController();
    const reason = new Error("enough");
    const aborted = DepsCache.open(folder, { signal: ending.signal, onEvent: () => ending.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    const told = warnings();
    const onEvent = (event: DepsEvent) => {
      told.onEvent(event);
      void first[Symbol.asyncDispose]();
    };
    await using _cache = await DepsCache.open(folder, { onEvent });
    expect(told.codes()).toEqual(["WAITING_FOR_LOCK"]);
  });

  test("caches that share stores take turns, whatever order they name them in, and leave nothing in the stores", async () => {
    const root = tempFolder();
    const [one, two] = [join(root, "a-store"), join(root, "z-store")];
    const visit = async (name: string, also: readonly string[]) => {
      await using cache = await DepsCache.open(join(root, name), { also });
      await expect(DepsCache.open(join(root, `${name}-too`), { also, lock: "fail" })).rejects.toMatchObject({
        details: { path: one },
      });
      return cache.path;
    };
    const visits = [visit("b", [one, two]), visit("c", [two, one]), visit("d", [two, one, two])];
    expect(await Promise.all(visits)).toEqual(["b", "c", "d"].map((name) => join(root, name)));
    expect([readdirSync(one), readdirSync(two)]).toEqual([[], []]);
  });
});

describe("folder", () => {
  test("a cache that is only read needs no lock, and nothing is written", async () => {
    const root = tempFolder();
    const missing = join(root, "nowhere");
    expect(await codeOf(DepsCache.open(missing, { readOnly: true }))).toBe("NOT_CACHED");
    expect(readdirSync(root)).toEqual([]);
    const folder = join(root, "cache");
    mkdirSync(folder);
    {
      await using cache = await DepsCache.open(folder, { readOnly: true });
      cache.state.set("item/x", 1);
      expect(await codeOf(cache.commit([]))).toBe("FILE_FAILED");
      expect(await codeOf(cache.save())).toBe("FILE_FAILED");
      expect(await codeOf(cache.staging.blank())).toBe("FILE_FAILED");
    }
    expect(readdirSync(folder)).toEqual([]);
    await using owner = await DepsCache.open(folder);
    owner.state.set("item/x", 2);
    await owner.save();
    await using reader = await DepsCache.open(folder, { readOnly: true });
    expect(reader.state.get("item/x")).toBe(2);
  });

  test("a link to a folder is followed once; a file, or a work folder that is a file, is no cache", async () => {
    const root = tempFolder();
    const real = join(root, "real");
    const link = join(root, "link");
    mkdirSync(real);
    symlinkSync(real, link);
    {
      await using cache = await DepsCache.open(link);
      expect([cache.path, cache.workFolder]).toEqual([real, join(real, ".tranship")]);
      await cache.commit([{ path: join(link, "a/b.json"), bytes: "1" }]);
      expect(readFileSync(join(real, "a/b.json"), "utf8")).toBe("1");
    }
    writeFileSync(join(root, "file"), "");
    for (const readOnly of [true, false])
      expect(await codeOf(DepsCache.open(join(root, "file"), { readOnly }))).toBe("FILE_FAILED");
    mkdirSync(join(root, "other"));
    writeFileSync(join(root, "other", ".tranship"), "");
    expect(await codeOf(DepsCache.open(join(root, "other")))).toBe("FILE_FAILED");
  });
});

describe.skipIf(noTmpfs !== undefined)(
  `file system that may only be read${noTmpfs ? `, not here: ${noTmpfs}` : ""}`,
  () => {
    test("a cache on it is read, and opened for nothing else", async () => {
      const root = tmpfs(1024 * 1024);
      const [folder, missing] = [join(root, "cache"), join(root, "missing")];
      {
        await using cache = await DepsCache.open(folder);
        cache.state.set("item/x", 1);
      }
      execFileSync("mount", ["-o", "remount,ro", root]);
      await using reader = await DepsCache.open(folder, { readOnly: true });
      expect(reader.state.get("item/x")).toBe(1);
      expect(await codeOf(DepsCache.open(folder))).toBe("FILE_FAILED");
      expect(await codeOf(DepsCache.open(missing))).toBe("FILE_FAILED");
      expect(await codeOf(DepsCache.open(missing, { readOnly: true }))).toBe("NOT_CACHED");
    });
  },
);

describe("state", () => {
  test("what is known by key is there again, sorted, and nobody shares it", async () => {
    const folder = tempFolder();
    const value = { urls: ["https://a"], "\u2028": null };
    {
      await using cache = await DepsCache.open(folder);
      for (const key of ["item/b", "manifest/x", "item/__proto__", "__proto__", "item/ä"]) cache.state.set(key, value);
      value.urls.push("later");
      (cache.state.get("item/b") as typeof value).urls.push("later");
      cache.state.delete("manifest/x");
      expect(() => cache.state.set("item/c", undefined)).toThrow(TypeError);
    }
    await using cache = await DepsCache.open(folder);
    const kept = { urls: ["https://a"], "\u2028": null };
    expect([...cache.state.entries("item/")]).toEqual([
      ["item/__proto__", kept],
      ["item/b", kept],
      ["item/ä", kept],
    ]);
    expect(cache.state.get("__proto__")).toEqual(kept);
    expect(cache.state.get("manifest/x")).toBeUndefined();
  });

  test("what changes is saved by itself, and at the end; what cannot be saved then is told", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const told = warnings();
    const cache = await DepsCache.open(tempFolder(), { onEvent: told.onEvent });
    const path = join(cache.workFolder, "state.json");
    for (const times of [1, 2]) {
      cache.state.set("times", times);
      while (!existsSync(path) || !readFileSync(path, "utf8").includes(`: ${times}`)) {
        vi.advanceTimersByTime(60_000);
        await setImmediate();
      }
    }
    cache.state.set("times", 3);
    rmSync(cache.workFolder, { recursive: true });
    writeFileSync(cache.workFolder, "");
    await cache[Symbol.asyncDispose]();
    expect(told.codes()).toEqual(["STATE_UNSAVED"]);
  });

  test.for([
    ["state.json", "{"],
    ["state.json", '{"version": 1, "entries": []}'],
    ["state.json", "\xff".repeat(3)],
    ["stamps", ""],
    ["stamps", '{"version":1,"sha256":"00"}\n[]\n'],
    ["commit.json", '{"version": 1, "paths": "x"}'],
  ] as const)("a damaged %s, %j, is told, set aside and begun anew", async ([name, text]) => {
    const folder = tempFolder();
    const work = join(folder, ".tranship");
    mkdirSync(work);
    mkdirSync(join(work, `${name}.damaged`));
    writeFileSync(join(work, name), text, "latin1");
    const told = warnings();
    await using cache = await DepsCache.open(folder, { onEvent: told.onEvent });
    expect(told.codes()).toEqual(["STATE_DAMAGED"]);
    expect(readFileSync(join(work, `${name}.damaged`), "latin1")).toBe(text);
    cache.state.set("a", 1);
    await cache.save();
    await using reader = await DepsCache.open(folder, { readOnly: true, onEvent: told.onEvent });
    expect(reader.state.get("a")).toBe(1);
    expect(told.codes()).toHaveLength(1);
  });

  test.for(["state.json", "stamps", "commit.json"])("a %s of a newer version is not touched", async (name) => {
    const folder = tempFolder();
    const path = join(folder, ".tranship", name);
    mkdirSync(join(folder, ".tranship"));
    writeFileSync(path, '{"version":2}\n');
    expect(await codeOf(DepsCache.open(folder))).toBe("CACHE_VERSION");
    expect(readFileSync(path, "utf8")).toBe('{"version":2}\n');
    expect(existsSync(`${path}.damaged`)).toBe(false);
    writeFileSync(path, "");
    await using _free = await DepsCache.open(folder, { lock: "fail" }); // the refused one gave the lock back
  });
});

describe("commit", () => {
  const files = ["vmconfig/manifests/a.json", "vmconfig/manifests/b.json", "c.json", ".tranship/manifests/d.json"];

  test.for([
    ["../x", "NAME_UNSAFE"],
    ["/elsewhere/x", "NAME_UNSAFE"],
    ["a/../../x", "NAME_UNSAFE"],
    ["", "NAME_UNSAFE"],
    [".tranship/state.json", "NAME_UNSAFE"],
    [".Tranship/LOCK", "NAME_UNSAFE"],
    [".tranship", "NAME_UNSAFE"],
    ["out/x", "NAME_UNSAFE"],
    ["folder", "FILE_FAILED"],
    ["file/x", "FILE_FAILED"],
    ["good.json", "PATH_CONFLICT"],
  ] as const)("a file at %j is refused with %s, and none is written", async ([path, code]) => {
    const root = tempFolder();
    await using cache = await DepsCache.open(join(root, "cache"));
    symlinkSync(root, join(cache.path, "out"));
    mkdirSync(join(cache.path, "folder"));
    writeFileSync(join(cache.path, "file"), "");
    const good = { path: "good.json", bytes: "1" };
    expect(await codeOf(cache.commit([good, { path, bytes: "2" }]))).toBe(code);
    expect(readdirSync(root)).toEqual(["cache"]);
    expect(readdirSync(cache.path).sort()).toEqual([".tranship", "file", "folder", "out"]);
    await cache.commit([good]);
    expect(readFileSync(join(cache.path, "good.json"), "utf8")).toBe("1");
    expect(readdirSync(cache.workFolder)).not.toContain("commit");
  });

  test("commits at once come one after the other, with the state", async () => {
    await using cache = await DepsCache.open(tempFolder());
    const commits = Array.from({ length: 5 }, (_, index) => {
      cache.state.set("last", index);
      return cache.commit([{ path: "a.json", bytes: String(index) }]);
    });
    await Promise.all(commits);
    expect(readFileSync(join(cache.path, "a.json"), "utf8")).toBe("4");
    expect(readFileSync(join(cache.workFolder, "state.json"), "utf8")).toContain('"last": 4');
  });

  test("stopped at any step, and once more while it is finished, all files are old or all are new", async () => {
    const outcomes = new Set<string>();
    const old = (path: string) => JSON.stringify({ old: path.repeat(100) });
    const fresh = (path: string) => JSON.stringify({ new: path.repeat(100) });
    for (let stop = 0, isDone = false; !isDone; stop += 1) {
      const folder = await findCacheFolder(tempFolder(), false);
      for (const path of files.slice(1)) {
        mkdirSync(join(folder.path, path, ".."), { recursive: true });
        writeFileSync(join(folder.path, path), old(path));
      }
      mkdirSync(join(folder.path, ".tranship"), { recursive: true });
      const bytes = files.map((path) => ({ path, bytes: Buffer.from(fresh(path)) }));
      const first = stoppingDisk(stop);
      await commitFiles(folder, bytes, first.disk).catch(passKilled);
      await finishCommit(folder, { disk: stoppingDisk(stop % 9).disk }).catch(passKilled);
      await finishCommit(folder, { disk: stoppingDisk(Number.POSITIVE_INFINITY).disk });
      const texts = files.map((path) => {
        const full = join(folder.path, path);
        const text = existsSync(full) ? readFileSync(full, "utf8") : old(path);
        return text === fresh(path) ? "new" : text === old(path) ? "old" : "torn";
      });
      outcomes.add([...new Set(texts)].join());
      expect(readdirSync(join(folder.path, ".tranship"))).toEqual(["manifests"]);
      isDone = !first.isStopped();
    }
    expect([...outcomes].sort()).toEqual(["new", "old"]);
  });

  test("names reach the device before those that rely on them are changed", async () => {
    const folder = await findCacheFolder(tempFolder(), false);
    mkdirSync(join(folder.path, ".tranship"));
    const log: string[] = [];
    const named = (path: string) => path.slice(folder.path.length + 1) || ".";
    const logged = async (line: string, work: () => Promise<void>) => {
      log.push(line);
      await work();
    };
    const disk: CommitDisk = {
      ...localDisk,
      rename: (from, to) => logged(`> ${named(to)}`, () => localDisk.rename(from, to)),
      sync: (path) => logged(`= ${named(path)}`, () => localDisk.sync(path)),
      remove: (path) => logged(`- ${named(path)}`, () => localDisk.remove(path)),
    };
    await commitFiles(folder, [{ path: "a/b/c.json", bytes: Buffer.from("1") }], disk);
    const record = ".tranship/commit.json";
    expect(log).toEqual([
      ...["= .tranship/commit", `> ${record}`, "= .tranship", "> a/b/c.json", "= a/b", "= a", "= .", `- ${record}`],
      ...["= .tranship", "- .tranship/commit"],
    ]);
  });

  test("a change that was recorded is finished by the next owner, and told of to readers", async () => {
    const folder = await findCacheFolder(tempFolder(), false);
    mkdirSync(join(folder.path, ".tranship"));
    const isRecord = (path: string) => path.endsWith("commit.json");
    const rename = async (from: string, to: string) => {
      if (!isRecord(to)) throw new Error("killed");
      await localDisk.rename(from, to);
    };
    const bytes = [{ path: "a.json", bytes: Buffer.from("1") }];
    await expect(commitFiles(folder, bytes, { ...localDisk, rename })).rejects.toThrow("killed");
    const told = warnings();
    {
      await using _reader = await DepsCache.open(folder.path, { readOnly: true, onEvent: told.onEvent });
      expect(told.codes()).toEqual(["COMMIT_UNFINISHED"]);
      expect(existsSync(join(folder.path, "a.json"))).toBe(false);
    }
    await using _owner = await DepsCache.open(folder.path, { onEvent: told.onEvent });
    expect(readFileSync(join(folder.path, "a.json"), "utf8")).toBe("1");
    expect(told.codes()).toHaveLength(1);
  });
});

const killed = new Error("killed");

function passKilled(error: unknown): void {
  if (error !== killed) throw error;
}

/** A disk that is there for so many steps; in the one after them everything stops: a file is half written then, anything else is done. */
function stoppingDisk(steps: number) {
  let made = 0;
  const step = async (whole: () => void | Promise<void>, half: () => void | Promise<void> = whole) => {
    made += 1;
    if (made === steps + 1) await half();
    if (made > steps) throw killed;
    await whole();
  };
  const disk: CommitDisk = {
    makeFolder: (path) => step(() => localDisk.makeFolder(path)),
    write: (path, bytes) =>
      step(
        () => writeFileSync(path, bytes),
        () => writeFileSync(path, bytes.subarray(0, bytes.byteLength / 2)),
      ),
    rename: (from, to) => step(() => localDisk.rename(from, to)),
    sync: () => step(() => {}),
    remove: (path) => step(() => localDisk.remove(path)),
  };
  return { disk, isStopped: () => made > steps };
}
