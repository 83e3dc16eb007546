import { Command } from "commander";
import { expect, test } from "vitest";
import type { Environment } from "../environment.ts";
import { UsageError } from "../usage-error.ts";
import {
  type ConnectionFlags,
  connectionOf,
  inFlightOf,
  withConnectionFlags,
  withMirrorFlag,
} from "./connection-flags.ts";

const place = "registry.example.com/deckhouse/fe";

function flagsOf(...words: readonly string[]): ConnectionFlags {
  return withMirrorFlag(withConnectionFlags(new Command())).parse(words, { from: "user" }).opts();
}

function connection(words: readonly string[], environment: Environment = {}) {
  const warnings: string[] = [];
  const options = connectionOf(place, flagsOf(...words), environment, (message) => warnings.push(message));
  return { ...options, warnings };
}

test("without flags a registry is reached as the client does it by itself", () => {
  expect(connection([])).toEqual({
    mirrors: [],
    limits: {},
    warnings: [],
  });
  expect(inFlightOf(flagsOf())).toBeUndefined();
});

test("limits are those that are asked for, and a run works on as many blobs at once", () => {
  const words = ["--downloads", "32", "--uploads=2", "--lookups", "1", "--requests-per-second", "0.5"];
  expect(connection([...words, "--bytes-per-second", "1.5MB"]).limits).toEqual({
    down: 32,
    up: 2,
    meta: 1,
    requestsPerSecond: 0.5,
    bytesPerSecond: 1_500_000,
  });
  expect(inFlightOf(flagsOf(...words))).toBe(32);
  expect(inFlightOf(flagsOf("--downloads", "2"))).toBeUndefined();
});

test.for([
  { mirrors: ["registry.example.com=mirror.internal"], expected: ["mirror.internal/deckhouse/fe"] },
  { mirrors: ["registry.example.com/deckhouse/=mirror.internal/d8/"], expected: ["mirror.internal/d8/fe"] },
  { mirrors: [`${place}=one:5000`, "registry.example.com=two"], expected: ["one:5000", "two/deckhouse/fe"] },
  { mirrors: ["registry.example.com/deck=mirror.internal", "docker.io=mirror.internal"], expected: [] },
])("$mirrors leads to $expected", ({ mirrors, expected }) => {
  expect(connection(mirrors.flatMap((mirror) => ["--mirror", mirror])).mirrors).toEqual(expected);
});

test.for<{ words: string[]; environment?: Environment; expected: number | undefined }>([
  { words: ["--timeout", "90s"], environment: { TRANSHIP_TIMEOUT: "1s" }, expected: 90_000 },
  { words: ["--timeout", "0"], expected: Number.POSITIVE_INFINITY },
  { words: ["--timeout", "10000h"], expected: Number.POSITIVE_INFINITY },
  { words: ["--timeout", "1ns"], expected: 1 },
  { words: [], environment: { D8_MIRROR_TIMEOUT: "4h" }, expected: 14_400_000 },
  { words: [], environment: { D8_MIRROR_TIMEOUT: "4h", TRANSHIP_TIMEOUT: "2s" }, expected: 2000 },
])("$words, $environment: silence may last $expected ms", ({ words, environment, expected }) => {
  expect(connection(words, environment)).toMatchObject({ idleTimeoutMs: expected, warnings: [] });
});

test.for(["soon", "60", "-1s"])("a timeout of %j in the environment is told and passed over", (value) => {
  const { idleTimeoutMs, warnings } = connection([], { D8_MIRROR_TIMEOUT: value });
  expect(idleTimeoutMs).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining("D8_MIRROR_TIMEOUT is passed over")]);
});

test("a proxy is the one that is named, or none", () => {
  expect(connection(["--proxy", "http://proxy.internal:3128"]).proxy).toBe("http://proxy.internal:3128");
  expect(connection(["--no-proxy"]).proxy).toBe(false);
  expect(connection([]).proxy).toBeUndefined();
});

test.for([
  ["--timeout", "soon"],
  ["--timeout", "-1s"],
  ["--downloads", "0"],
  ["--uploads", "many"],
  ["--lookups", "1000"],
  ["--requests-per-second", "0"],
  ["--bytes-per-second", "fast"],
  ["--proxy", "socks5://proxy.internal"],
  ["--proxy", "no proxy"],
  ["--mirror", "mirror.internal/hub"],
  ["--mirror", "docker.io=https://mirror.internal"],
])("%j is a mistake in the command line", (words) => {
  expect(() => connection(words)).toThrow(UsageError);
  expect(() => connection(words)).toThrow(words[0]);
});

test("a password in the place of a mirror is not told", () => {
  expect(() => connection(["--mirror", "docker.io=me:hunter2@mirror.internal/hub"])).toThrow("docker.io=…@mirror");
});
