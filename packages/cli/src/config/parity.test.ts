import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { uncommented } from "../../../../tests/checks/uncommented.ts";
import { createContext } from "../context.ts";
import { HumanOutput } from "../print/output.ts";
import { createProgram } from "../program.ts";
import { applyConfig } from "./apply-config.ts";
import { configTemplate } from "./config-template.ts";
import { parseConfig } from "./read-config.ts";
import { allowedKeys } from "./schema-keys.ts";
import { settings } from "./settings.ts";

/** Options without a key of their own, and why. */
const withoutKey: Readonly<Record<string, string>> = {
  ...{
    config: "it names the file",
    json: "it is for whoever reads the output",
    quiet: "so is this",
    progress: "and this",
  },
  ...{
    dryRun: "it is of one run",
    restart: "so is this",
    pullResume: "it is --no-restart",
    explain: "it is of one run",
    sync: "it is of one run",
    shard: "it is of one machine",
  },
  ...{ output: "it is of one run", diff: "so is this", write: "so is this, of doctor", side: "so is this" },
  ...{
    imagesBundleChunkSize: "it is --chunk-size",
    gostDigest: "it is --checksums",
    skipVexImages: "it is --referrers",
  },
  ...{ format: "it is of one run", replace: "so is this", hook: "so is this", size: "so is this" },
  limit: "it is of one image",
  ...{ manifest: "it says what deps is about", preset: "so is this", baseUrl: "so is this", cache: "and this" },
  ...{ select: "it is of one run of deps", kind: "so is this", arch: "so is this", providers: "so is this" },
  ...{ addons: "so is this", recommendedAddons: "so is this", vmconfig: "so is this", components: "so is this" },
  ...{ templates: "so is this", seeds: "so is this", skipSeeds: "so is this", skipComponentsGit: "so is this" },
  ...{ skipCrossArch: "so is this", offline: "so is this", deep: "so is this", concurrency: "so is this" },
  ...{ lockTimeout: "so is this", wait: "so is this", pin: "so is this", publicKey: "so is this" },
  ...{ allowHost: "so is this", allowDowngrade: "so is this", yes: "so is this", keepHistory: "so is this" },
  tmpDir: "it has no effect",
  ...Object.fromEntries(
    ["Platform", "Installer", "SecurityDb"].map((name) => [`no${name}`, "what it leaves out is never brought"]),
  ),
  ...{ includePlatform: "not mirrored", deckhouseTag: "not mirrored", sinceVersion: "not mirrored" },
  ...{ installerTag: "not mirrored", includePlugin: "not mirrored", ignoreSuspend: "not mirrored" },
};

/** Options about one registry: what the file says of it by its host. */
const keysOfRegistries: Readonly<Record<string, string>> = {
  ...{ registryLogin: "credentials", registryPassword: "credentials", registryPasswordStdin: "credentials" },
  ...{ sourceLogin: "credentials", sourcePassword: "credentials", license: "credentials" },
  ...{ insecure: "insecure", tlsSkipVerify: "tlsSkipVerify", clientCert: "clientCert", clientKey: "clientKey" },
  ...{ sourceInsecure: "insecure", sourceTlsSkipVerify: "tlsSkipVerify" },
  ...{ sourceClientCert: "clientCert", sourceClientKey: "clientKey" },
};

/** Options that other commands have a key for, and these have not: they are of one run. */
const ofOneRun: readonly (readonly [string, string])[] = [
  ["deps", "keepGoing"],
  ...["listen", "login", "passwordStdin", "tlsCert", "tlsKey"].map((option) => ["deps", option] as const),
];

const credentialsOfServer = ["login", "passwordStdin"];

/** The commands that read a configuration. */
function configured(): readonly Command[] {
  const nowhere = { write: () => true };
  const context = createContext({
    output: new HumanOutput(nowhere, nowhere),
    signal: new AbortController().signal,
    input: (async function* () {})(),
    environment: {},
    exitWith() {},
  });
  return createProgram(context, "0.0.0").commands.filter(({ options }) =>
    options.some(({ long }) => long === "--config"),
  );
}

const example = parseConfig(uncommented(configTemplate("./schema.json")), "tranship.yaml");

/** Something of everything: what no file can say at once, too. */
const all = {
  ...example,
  packages: { ...example.packages, exclude: ["one"] },
  modules: { ...example.modules, include: ["one"] },
};

test("what works on registries and bundles reads a configuration", () => {
  const names = configured().map((command) => command.name());
  expect(names).toEqual(
    expect.arrayContaining(["plan", "pull", "push", "sync", "verify", "repair", "serve", "doctor"]),
  );
});

describe("every option has a key, or a reason to have none", () => {
  test.for(configured().map((command) => [command.name(), command] as const))("%s", ([name, command]) => {
    const words = { plan: "plan.json" }; // of an inventory, a plan is what is listed
    const lacking = command.options
      .map((option) => option.attributeName())
      .filter((option) => !(name === "inventory" && option in words))
      .filter((option) => !ofOneRun.some(([command, one]) => command === name && one === option))
      .filter((option) => !(option in withoutKey) && !(option in keysOfRegistries))
      .filter((option) => !(name === "serve" && credentialsOfServer.includes(option)))
      .filter((option) => !settings.some((one) => one.option === option && (one.commands ?? [name]).includes(name)));
    expect(lacking).toEqual([]);
    applyConfig(command, all, "tranship.yaml");
    for (const { option, as = option, commands = [name] } of settings) {
      if (!commands.includes(name) || !command.options.some((one) => one.attributeName() === option)) continue;
      expect([as, command.getOptionValueSource(as)]).toEqual([as, "config"]);
    }
  });
});

test("every key says something: an option, a registry's access or a place", () => {
  const keys = allowedKeys([]).flatMap((key) => {
    const below = key === "registries" || key === "mirrors" ? [] : allowedKeys([key]);
    return below.length === 0 ? [key] : below.map((one) => `${key}.${one}`);
  });
  const places = ["version", "bundle", "target", "registries", "verify.place", "serve.place", "serve.credentials"];
  expect(new Set(keys)).toEqual(new Set([...settings.map(({ key }) => key), ...places]));
  const ofRegistry = settings.filter(({ key }) => key.startsWith("connection.")).map(({ option }) => option);
  expect(new Set(allowedKeys(["registries", "a.b"]))).toEqual(
    new Set([...Object.values(keysOfRegistries), ...ofRegistry]),
  );
});
