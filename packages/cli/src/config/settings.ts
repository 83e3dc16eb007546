import type { PlatformMode } from "@tranship/core";
import { parseDuration } from "../flags/duration.ts";
import type { Config, ImagesConfig, NameConfig } from "./config.ts";
import type { ConfigFolder } from "./config-folder.ts";
import { nameExpression } from "./value-checks.ts";

/** A key of the configuration that says what an option of the command line says. */
export interface Setting {
  /** Commander's name for the option. */
  readonly option: string;
  /** Where it stands, from the top of the file. */
  readonly key: string;
  /** Only of these commands. @defaultValue all that have the option */
  readonly commands?: readonly string[];
  /** Options that leave nothing for this one to say where they are given. @defaultValue none */
  readonly unless?: readonly string[];
  /** The option's value; of what `key` leads to, unless it is `undefined`. @defaultValue as it is written */
  value?(written: never, folder: ConfigFolder): unknown;
  /** The name the value goes by, where a command has to tell it from an option's. @defaultValue `option` */
  readonly as?: string;
}

const asText = (value: string | number) => String(value);
const asPath = (value: string, folder: ConfigFolder) => folder.path(value);
const asPaths = (values: readonly string[], folder: ConfigFolder) => values.map(folder.path);
const expressions = (names: readonly NameConfig[]) => names.map(nameExpression);
const seconds = (value: string | number) => String((parseDuration(String(value)) ?? 0) / 1000);

/** The settings of all commands. What an option that is given leaves of the others is what it leaves of flags. */
export const settings: readonly Setting[] = [
  { option: "source", key: "source", as: "configuredSource", value: (text: string, folder) => folder.place(text) },
  { option: "packages", key: "packages.enabled", unless: ["includePackage", "excludePackage"] },
  { option: "packageVersions", key: "packages.catalogMetadata" },
  { option: "includePackage", key: "packages.include", unless: ["excludePackage", "packages"], value: expressions },
  { option: "excludePackage", key: "packages.exclude", unless: ["includePackage", "packages"] },
  { option: "packagesPathSuffix", key: "packages.targetPath" },
  { option: "modules", key: "modules.enabled", unless: ["includeModule", "excludeModule"] },
  { option: "includeModule", key: "modules.include", unless: ["excludeModule", "modules"], value: expressions },
  { option: "excludeModule", key: "modules.exclude", unless: ["includeModule", "modules"] },
  { option: "modulesPathSuffix", key: "modules.sourcePath", commands: ["plan", "pull", "sync"] },
  { option: "modulesPathSuffix", key: "modules.targetPath", commands: ["push"] },
  { option: "targetModulesPathSuffix", key: "modules.targetPath" },
  { option: "targetPackagesPathSuffix", key: "packages.targetPath" },
  { option: "image", key: "images.include" },
  { option: "excludeImage", key: "images.exclude" },
  { option: "imagePath", key: "images.host" },
  { option: "imagePrefix", key: "images.prefix" },
  {
    option: "imageRewrite",
    key: "images.rewrites",
    value: (rewrites: NonNullable<ImagesConfig["rewrites"]>) => rewrites.map(({ from, to }) => `${from}=${to}`),
  },
  { option: "platform", key: "platforms", commands: ["plan", "pull", "sync"] },
  { option: "sparse", key: "platformMode", value: (mode: PlatformMode) => mode === "sparse" },
  { option: "referrers", key: "referrers", unless: ["skipVexImages"] },
  { option: "onlyExtraImages", key: "onlyExtraImages" },
  { option: "proxyRegistry", key: "proxyRegistry" },
  { option: "chunkSize", key: "pull.chunkSize", unless: ["imagesBundleChunkSize"], value: asText },
  { option: "checksums", key: "pull.checksums", unless: ["gostDigest"] },
  { option: "base", key: "pull.base", value: asPaths },
  { option: "plan", key: "pull.plan", commands: ["pull", "sync"], value: asPath },
  { option: "frozen", key: "pull.frozen" },
  { option: "keepGoing", key: "pull.keepGoing", commands: ["plan", "pull", "sync"] },
  { option: "accessTimeout", key: "pull.accessTimeout", value: seconds },
  { option: "force", key: "pull.force", commands: ["pull"] },
  { option: "verboseSummary", key: "pull.verboseSummary" },
  { option: "file", key: "push.files", commands: ["push"], value: asPaths },
  { option: "onConflict", key: "push.onConflict" },
  { option: "trustBundle", key: "push.trustBundle" },
  { option: "writeProbe", key: "push.writeProbe" },
  { option: "plan", key: "verify.plan", commands: ["verify"], value: asPath },
  { option: "evidence", key: "verify.evidence", value: asPath },
  { option: "listen", key: "serve.listen", commands: ["serve"] },
  { option: "writable", key: "serve.writable" },
  { option: "tlsCert", key: "serve.tlsCert", commands: ["serve"], value: asPath },
  { option: "tlsKey", key: "serve.tlsKey", commands: ["serve"], value: asPath },
  { option: "verbose", key: "serve.verbose" },
  { option: "platform", key: "rootfs.platform", commands: ["rootfs"] },
  { option: "mode", key: "rootfs.mode" },
  { option: "journal", key: "rootfs.journal" },
  { option: "layerCache", key: "rootfs.layerCache", value: asPath },
  { option: "jobs", key: "rootfs.jobs", value: asText },
  { option: "timeout", key: "connection.timeout", value: asText },
  { option: "proxy", key: "connection.proxy" },
  { option: "downloads", key: "connection.downloads", value: asText },
  { option: "uploads", key: "connection.uploads", value: asText },
  { option: "lookups", key: "connection.lookups", value: asText },
  { option: "requestsPerSecond", key: "connection.requestsPerSecond", value: asText },
  { option: "bytesPerSecond", key: "connection.bytesPerSecond", value: asText },
  { option: "ca", key: "connection.ca", value: asPath },
  {
    option: "mirror",
    key: "mirrors",
    value: (mirrors: NonNullable<Config["mirrors"]>) =>
      Object.entries(mirrors).flatMap(([registry, places]) => [places].flat().map((place) => `${registry}=${place}`)),
  },
];

/** What a key leads to; `undefined` where the file does not say. */
export function settingOf(config: Config, key: string): unknown {
  return key
    .split(".")
    .reduce<unknown>((value, step) => (value as Readonly<Record<string, unknown>> | undefined)?.[step], config);
}
