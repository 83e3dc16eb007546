import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import {
  DepsCache,
  type DepsItem,
  exportCache,
  importCache,
  isDepsError,
  PodplaneDeps,
  type PodplaneDownloadOptions,
  prune,
  prunePlan,
  verifyItems,
} from "@tranship/core/deps";
import { createRegistry, webFileFetcher } from "@tranship/registry";
import { type FileServer, startFileServer, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { seededRandom } from "../support/random.ts";
import { type Asked, CacheLook } from "./cache-look.ts";
import { CacheWorld } from "./cache-world.ts";

/** A run of random steps on a cache. */
export interface CacheRun {
  readonly seed: number;
  readonly steps: number;
}

/** How it went; plain data. */
export interface CacheOutcome {
  /** What did not hold; the run ended there. */
  readonly problems: readonly string[];
  /** What was done until then. */
  readonly trail: readonly string[];
}

const steps = ["publish", "download", "download", "damage", "damage", "prune", "carry", "stop"] as const;

/**
 * Publishes releases, downloads parts of them, harms files, prunes, carries the cache elsewhere, stops in the middle: after
 * each download all that was asked for must be there by an independent look, what is noted must be there, nothing that was
 * there be fetched, and a second download, and one without a network, ask for nothing.
 */
export async function runCache({ seed, steps: count }: CacheRun): Promise<CacheOutcome> {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tranship-cache-"));
  await using files = await startFileServer();
  await using registry = await startTestRegistry();
  const trial = new Trial(folder, seededRandom(seed), files, registry);
  try {
    await trial.run(count);
    return { problems: [], trail: trial.trail };
  } catch (error) {
    return { problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)], trail: trial.trail };
  } finally {
    await trial.close();
    rmSync(folder, { recursive: true });
  }
}

class Trial {
  readonly trail: string[] = [];
  readonly #folder: string;
  readonly #files: FileServer;
  readonly #registry: TestRegistry;
  readonly #world: CacheWorld;
  readonly #remotes = new Map<string, ReturnType<typeof createRegistry>>();
  #last: Asked | undefined;

  constructor(folder: string, random: () => number, files: FileServer, registry: TestRegistry) {
    this.#folder = folder;
    this.#files = files;
    this.#registry = registry;
    this.#world = new CacheWorld(random, files, registry);
  }

  async run(count: number): Promise<void> {
    this.#world.publish();
    await this.#download(this.#anything());
    for (let step = 0; step < count; step += 1) await this.#step(this.#world.pick(steps), step);
  }

  async close(): Promise<void> {
    for (const remote of this.#remotes.values()) await remote.close();
  }

  async #step(step: (typeof steps)[number], at: number): Promise<void> {
    this.trail.push(step);
    switch (step) {
      case "publish":
        return this.#world.publish();
      case "download":
        return await this.#download(this.#anything());
      case "damage":
        this.#harm();
        return await this.#download(this.#last ?? this.#anything());
      case "prune":
        return await this.#prune();
      case "carry":
        await this.#download(this.#anything());
        return await this.#carry(join(this.#folder, `other-${at}`, "deps"));
      case "stop":
        this.#world.publish();
        return await this.#stop(this.#anything());
    }
  }

  #anything(): Asked {
    const { pick } = this.#world;
    const one = pick.bind(this.#world);
    return {
      archs: one([["amd64"], ["arm64"], ["amd64", "arm64"], ["arm64", "amd64"]]),
      providers: one([[], ["aws"]]),
      addons: one([[], ["traefik"], ["traefik", "extra"]]),
    };
  }

  #deps(cacheDir = join(this.#folder, "deps")): PodplaneDeps {
    const registry = (host: string) => {
      const remote = this.#remotes.get(host) ?? createRegistry(host);
      this.#remotes.set(host, remote);
      return remote;
    };
    const access = { files: webFileFetcher(), registry };
    return new PodplaneDeps({ cacheDir, baseUrl: this.#files.origin, access, sleep: async () => {} });
  }

  async #open(path = join(this.#folder, "deps")): Promise<DepsCache> {
    return await DepsCache.open(path, { also: [join(dirname(path), "registry")] });
  }

  #options({ archs, providers, addons }: Asked): PodplaneDownloadOptions {
    return { arch: archs[0] ?? "", archs, providers, addons, concurrency: this.#world.pick([1, 4, 16]) };
  }

  async #download(asked: Asked): Promise<void> {
    this.trail.push(`asked for ${JSON.stringify(asked)}`);
    this.#last = asked;
    const look = new CacheLook(join(this.#folder, "deps"));
    const had = look.whole();
    await this.#quietly(() => this.#deps().download(this.#options(asked)));
    this.#check(asked);
    const fetched = [...this.#registry.requests(), ...this.#files.requests()].flatMap(({ method, path, status }) =>
      method === "GET" && status < 400 ? (/\/blobs\/sha256:[0-9a-f]+$|\/files\/.*$/.exec(path) ?? []) : [],
    );
    for (const [index, path] of fetched.entries()) {
      if (path.endsWith(".netsy")) continue; // each version has a place of its own
      const [digest = ""] = /[0-9a-f]{64}/.exec(path) ?? [];
      require(!had.has(`sha256:${digest}`), `${path} was fetched though it was there`);
      require(fetched.indexOf(path) === index, `${path} was fetched twice`);
    }
    await this.#quietly(() => this.#deps().download(this.#options(asked)));
    const asks = this.#files.requests().filter(({ status }) => status !== 304);
    const registryAsks = this.#registry.requests().filter(({ method, path }) => method !== "HEAD" && path !== "/v2/");
    const again = [...asks, ...registryAsks].map(({ path }) => path);
    require(again.length === 0, `a second download asks for ${again.join(", ")}`);
    await this.#offline(asked);
  }

  async #offline(asked: Asked, path?: string): Promise<void> {
    await this.#quietly(() => this.#deps(path).download({ ...this.#options(asked), offline: true }));
    const asks = [...this.#files.requests(), ...this.#registry.requests()].map(({ path: one }) => one);
    require(asks.length === 0, `a download without a network asks for ${asks.join(", ")}`);
    this.#check(asked, path);
    for (const arch of asked.archs) await this.#deps(path).verify("knc", arch, { isDeep: this.#world.isLucky(0.3) });
  }

  /** Whoever counts requests counts those of this work alone. */
  async #quietly(work: () => Promise<unknown>): Promise<void> {
    this.#files.reset();
    this.#registry.reset();
    await work();
  }

  #check(asked: Asked, path = join(this.#folder, "deps")): void {
    const look = new CacheLook(path);
    const latest = `r${this.#world.release}`;
    const versions = look.versions(asked);
    require(versions.every((one) => one === latest), `manifests of ${versions.join(", ")} are beside each other`);
    for (const { name, isAsked, isNoted, fault } of look.rows(asked, this.#world.chartLayers)) {
      require(!isAsked || fault === undefined, `${name} was asked for: ${fault}`);
      require(!isAsked || isNoted, `${name} was asked for and is not noted`);
      require(!isNoted || fault === undefined, `${name} is noted: ${fault}`);
    }
  }

  /** Harms a file or two: what podplane reads, what the cache knows, indexes, blobs, links. */
  #harm(): void {
    const { pick } = this.#world;
    const roots = ["deps", "registry"].map((name) => join(this.#folder, name)).filter((path) => existsSync(path));
    const all = roots.flatMap((root) => readdirSync(root, { recursive: true, withFileTypes: true }));
    const paths = all
      .filter((entry) => !entry.isDirectory() && !["lock", "owner"].includes(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    const indexes = paths.filter((path) =>
      /index\.json$|oci-layout$|state\.json$|manifests\/[a-z_]+\.json$/.test(path),
    );
    for (const path of new Set([pick.call(this.#world, paths), pick.call(this.#world, indexes)] as string[])) {
      const how = pick.call(this.#world, ["gone", "empty", "half", "flipped"]) as string;
      this.trail.push(`${how}: ${relative(this.#folder, path)}`);
      const bytes = lstatSync(path).isFile() ? readFileSync(path) : Buffer.from("linked");
      if (how === "gone" || this.#world.isLucky(0.5)) rmSync(path); // else all names of the file are harmed
      if (how === "gone") continue;
      const at = Math.floor(bytes.length / 3);
      if (how === "flipped" && bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ 1;
      const left = { empty: 0, half: bytes.length >> 1 }[how] ?? bytes.length;
      writeFileSync(path, bytes.subarray(0, left));
    }
  }

  async #prune(): Promise<void> {
    const items = await this.#cachedItems();
    if (items === undefined) return;
    await using cache = await this.#open();
    const before = await verifyItems(items, cache);
    await prune(cache, await prunePlan(cache, items, { keepHistory: 1, keepPartialsMs: 0 }));
    const after = await verifyItems(items, cache, { isDeep: true });
    for (const [at, { presence, item }] of before.items.entries())
      require(after.items[at]?.presence === presence, `${item.id} was ${presence} before pruning`);
  }

  /** Takes the cache to another machine, where something may be already. */
  async #carry(path: string): Promise<void> {
    const items = await this.#cachedItems();
    const asked = this.#last;
    if (items === undefined || asked === undefined) return;
    const archive = join(this.#folder, "archive.tar");
    {
      await using cache = await this.#open();
      const { isWhole } = await verifyItems(items, cache);
      if (!isWhole) return; // something of another choice was harmed
      await exportCache(cache, items, archive);
    }
    if (this.#world.isLucky(0.5)) await this.#deps(path).download(this.#options(this.#anything()));
    {
      await using cache = await this.#open(path);
      await importCache(archive, cache);
    }
    await this.#offline(asked, path);
    rmSync(dirname(path), { recursive: true });
  }

  /** Ends a download somewhere, and does it again. */
  async #stop(asked: Asked): Promise<void> {
    const stop = new AbortController();
    let left = this.#world.pick([1, 10, 20, 30, 40, 60]);
    const onEvent = () => {
      left -= 1;
      if (left === 0) stop.abort();
    };
    const options = { ...this.#options(asked), signal: stop.signal, onEvent };
    await this.#deps()
      .download(options)
      .catch((error: unknown) => {
        if (error !== stop.signal.reason) throw error;
      });
    await this.#download(asked);
  }

  /** `undefined` where a manifest of a choice that was not downloaded since is torn. */
  async #cachedItems(): Promise<readonly DepsItem[] | undefined> {
    try {
      return await this.#deps().cachedItems();
    } catch (error) {
      if (isDepsError(error, "MANIFEST_PARSE") || isDepsError(error, "INCOMPLETE")) return undefined;
      throw error;
    }
  }
}

function require(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}
