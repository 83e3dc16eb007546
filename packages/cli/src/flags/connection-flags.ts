import { isRegistryError, parsePlace, type RegistryOptions } from "@tranship/registry";
import type { Command } from "commander";
import { type Environment, firstSet, timeoutVariables } from "../environment.ts";
import { UsageError } from "../usage-error.ts";
import { parseByteSize } from "./byte-size.ts";
import { parseDuration } from "./duration.ts";
import { repeatable } from "./repeatable.ts";

/** Flags that say how a registry is reached, and how much is asked of it at once. */
export interface ConnectionFlags {
  /** `false` for none. */
  readonly proxy?: string | false;
  readonly mirror?: readonly string[];
  readonly timeout?: string;
  readonly downloads?: string;
  readonly uploads?: string;
  readonly lookups?: string;
  readonly requestsPerSecond?: string;
  readonly bytesPerSecond?: string;
}

/** Blobs that a run works on at once. */
const defaultInFlight = 8;

/** Longer than any timer runs: for ever. */
const longestMs = 2 ** 31 - 1;

/** Adds the flags of {@link ConnectionFlags} but for `--mirror`. */
export function withConnectionFlags(command: Command): Command {
  return command
    .optionsGroup("Connections:")
    .option("--proxy <url>", "the HTTP proxy to go through (default: what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say)")
    .option("--no-proxy", "go through no proxy, whatever the environment says")
    .option("--timeout <duration>", "how long a registry may send no byte, e.g. 90s or 4h; 0 for ever (default: 60s)")
    .option("--downloads <n>", "blobs downloaded from a host at once (default: 8)")
    .option("--uploads <n>", "blobs uploaded to a host at once (default: 4)")
    .option("--lookups <n>", "small requests to a host at once, such as those for manifests (default: 8)")
    .option("--requests-per-second <n>", "requests to a host begun in a second, at most")
    .option("--bytes-per-second <size>", "bytes to and from a host in a second, at most, e.g. 500KB or 10MB");
}

/** Adds `--mirror`, for a registry that is only read: what a mirror has, a registry that is pushed to may lack. */
export function withMirrorFlag(command: Command): Command {
  return command
    .optionsGroup("Connections:")
    .addOption(
      repeatable(
        "--mirror <registry=place>",
        "another place with a registry's content, asked first for what goes by digest, e.g. docker.io=mirror.internal/hub",
      ),
    );
}

/** What the flags say to the client of one registry; `warn` takes what the environment says and cannot be used. @throws UsageError */
export function connectionOf(
  place: string,
  flags: ConnectionFlags,
  environment: Environment,
  warn: (message: string) => void,
): RegistryOptions {
  const { proxy, mirror = [] } = flags;
  if (typeof proxy === "string" && !/^https?:$/.test(URL.parse(proxy)?.protocol ?? ""))
    throw new UsageError("--proxy: write it as a URL, such as http://proxy.internal:3128"); // it may hold a password
  return {
    proxy,
    mirrors: mirrorsOf(place.replace(/\/+$/, ""), mirror),
    idleTimeoutMs: timeoutMsOf(flags, environment, warn),
    limits: {
      down: countOf("--downloads", flags.downloads),
      up: countOf("--uploads", flags.uploads),
      meta: countOf("--lookups", flags.lookups),
      requestsPerSecond: rateOf(flags.requestsPerSecond),
      bytesPerSecond:
        flags.bytesPerSecond === undefined ? undefined : parseByteSize(flags.bytesPerSecond, "--bytes-per-second"),
    },
  };
}

/** Flags of single registries, by their hosts. */
interface RegistriesFlags {
  readonly registries?: ReadonlyMap<string, ConnectionFlags>;
}

/**
 * How many blobs are worked on at once where more are asked for than a run has by itself, so that none of the slots asked
 * for stays empty; else `undefined`. @throws UsageError
 */
export function inFlightOf(flags: ConnectionFlags & RegistriesFlags): number | undefined {
  const most = Math.max(
    ...[flags, ...(flags.registries?.values() ?? [])].map(({ downloads, uploads }) =>
      Math.max(countOf("--downloads", downloads) ?? 0, countOf("--uploads", uploads) ?? 0),
    ),
  );
  return most > defaultInFlight ? most : undefined;
}

/** @throws UsageError for a value that cannot be read, before anything is opened */
export function checkConnectionFlags(flags: ConnectionFlags): void {
  connectionOf("any.invalid", flags, {}, () => {});
}

/** The flag is checked; a variable that cannot be read is told and passed over, as `d8 mirror` does it. */
function timeoutMsOf(
  { timeout }: ConnectionFlags,
  environment: Environment,
  warn: (message: string) => void,
): number | undefined {
  if (timeout !== undefined) {
    const ms = parseDuration(timeout);
    if (ms !== undefined && ms >= 0) return idleMs(ms);
    throw new UsageError(`--timeout ${timeout}: write it as a duration, such as 90s, 30m or 4h; 0 for ever`);
  }
  const variable = firstSet(environment, timeoutVariables);
  if (variable === undefined) return undefined;
  const ms = parseDuration(variable.value);
  if (ms !== undefined && ms >= 0) return idleMs(ms);
  warn(`${variable.name} is passed over: it is no duration from 0 on, such as 90s, 30m or 4h`);
  return undefined;
}

function idleMs(ms: number): number {
  return ms === 0 || ms > longestMs ? Number.POSITIVE_INFINITY : Math.max(1, Math.round(ms));
}

function countOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]{0,2}$/.test(text)) return Number(text);
  throw new UsageError(`${flag} ${text}: write it as a whole number from 1 to 999`);
}

function rateOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,6}(?:\.[0-9]{1,3})?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--requests-per-second ${text}: write it as a number above 0, such as 10 or 0.5`);
}

/** Where the content of `place` is, too: each mirror of a registry, or of a path in it, that `place` lies in. */
function mirrorsOf(place: string, mirrors: readonly string[]): readonly string[] {
  return mirrors.flatMap((text) => {
    const at = text.indexOf("=");
    const [registry, mirror] = [text.slice(0, at), text.slice(at + 1)].map((one) => one.replace(/\/+$/, ""));
    if (at < 0 || !isPlace(registry) || !isPlace(mirror))
      throw new UsageError(
        `--mirror ${text.replace(/[^=/@]+@/g, "…@")}: write it as REGISTRY=PLACE, such as docker.io=mirror.internal/hub`,
      );
    return place === registry || place.startsWith(`${registry}/`) ? [`${mirror}${place.slice(registry.length)}`] : [];
  });
}

function isPlace(text: string | undefined): text is string {
  if (text === undefined) return false;
  try {
    parsePlace(text);
    return true;
  } catch (error) {
    if (isRegistryError(error, "INVALID_REFERENCE")) return false;
    throw error;
  }
}
