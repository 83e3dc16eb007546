import { Command } from "commander";
import { expect, test } from "vitest";
import type { Environment, RegistrySide } from "../environment.ts";
import { UsageError } from "../usage-error.ts";
import {
  type CredentialFlags,
  checkCredentialFlags,
  credentialsOf,
  withCredentialFlags,
  withSourceCredentialFlags,
} from "./credential-flags.ts";

async function whoAsks(side: RegistrySide, words: string, environment: Environment = {}): Promise<string | undefined> {
  const command = withSourceCredentialFlags(withCredentialFlags(new Command()));
  const flags = command.parse(words.split(" ").filter(Boolean), { from: "user" }).opts<CredentialFlags>();
  checkCredentialFlags(flags);
  const input = (async function* () {
    yield new TextEncoder().encode("typed\n");
  })();
  const found = await credentialsOf(flags, side, environment, input);
  return found && `${found.username}:${found.password}`;
}

const ours = { TRANSHIP_SOURCE_LOGIN: "us", TRANSHIP_SOURCE_PASSWORD: "u" };
const theirs = { D8_MIRROR_SOURCE_LOGIN: "them", D8_MIRROR_SOURCE_PASSWORD: "t" };

test.for<{ words: string; environment?: Environment; expected: string | undefined }>([
  { words: "", expected: undefined },
  { words: "--source-login ann --source-password secret", expected: "ann:secret" },
  { words: "-u ann -p secret", expected: "ann:secret" },
  { words: "-u ann", expected: "ann:" },
  { words: "-u ann --registry-password-stdin", expected: "ann:typed" },
  { words: "-l token", expected: "license-token:token" },
  { words: "--license token", environment: { ...ours, ...theirs }, expected: "license-token:token" },
  { words: "-u ann -p secret", environment: { ...ours, ...theirs }, expected: "ann:secret" },
  { words: "-u ann", environment: ours, expected: "ann:u" },
  { words: "-p secret", environment: ours, expected: "us:secret" },
  { words: "", environment: { ...theirs, ...ours }, expected: "us:u" },
  { words: "", environment: theirs, expected: "them:t" },
  { words: "", environment: { D8_MIRROR_LICENSE_TOKEN: "token" }, expected: "license-token:token" },
  { words: "", environment: { ...theirs, D8_MIRROR_LICENSE_TOKEN: "token" }, expected: "them:t" },
  { words: "", environment: { ...theirs, TRANSHIP_LICENSE_TOKEN: "token" }, expected: "license-token:token" },
  { words: "", environment: { TRANSHIP_SOURCE_LOGIN: "", D8_MIRROR_SOURCE_LOGIN: "them" }, expected: "them:" },
  { words: "", environment: { TRANSHIP_REGISTRY_LOGIN: "target", D8_MIRROR_REGISTRY_LOGIN: "t" }, expected: undefined },
])("a source is asked by $expected: $words, $environment", async ({ words, environment, expected }) => {
  expect(await whoAsks("source", words, environment)).toBe(expected);
});

test.for<{ environment: Environment; expected: string | undefined }>([
  { environment: { D8_MIRROR_REGISTRY_LOGIN: "them", D8_MIRROR_REGISTRY_PASSWORD: "t" }, expected: "them:t" },
  { environment: { D8_MIRROR_REGISTRY_LOGIN: "them", TRANSHIP_REGISTRY_LOGIN: "us" }, expected: "us:" },
  { environment: { ...ours, ...theirs, D8_MIRROR_LICENSE_TOKEN: "token" }, expected: undefined },
])("a target is asked by $expected: $environment", async ({ environment, expected }) => {
  expect(await whoAsks("target", "", environment)).toBe(expected);
});

test("a registry that neither flags nor variables speak of gets nothing of theirs", async () => {
  expect(await whoAsks("elsewhere", "-u ann -p secret", { ...ours, TRANSHIP_REGISTRY_LOGIN: "us" })).toBeUndefined();
});

test.for<{ words: string; environment?: Environment; said: string }>([
  { words: "-p secret", said: "--registry-password needs a user name" },
  { words: "--source-password secret", said: "--source-password needs a user name" },
  { words: "--registry-password-stdin", said: "--registry-password-stdin needs a user name" },
  {
    words: "",
    environment: { D8_MIRROR_SOURCE_PASSWORD: "secret" },
    said: "D8_MIRROR_SOURCE_PASSWORD needs a user name",
  },
  {
    words: "-p secret",
    environment: { D8_MIRROR_LICENSE_TOKEN: "token" },
    said: "--registry-password needs a user name",
  },
  { words: "-u ann --source-login bob", said: "--registry-login and --source-login" },
  { words: "-u ann -p secret --source-password secret", said: "--registry-password and --source-password" },
  { words: "-u ann -p secret --registry-password-stdin", said: "contradict each other" },
  { words: "-l token -u ann", said: "--license and --registry-login" },
  { words: "-l token --source-password secret", said: "--license and --source-password" },
])("$words, $environment: $said", async ({ words, environment, said }) => {
  const failure = await whoAsks("source", words, environment).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(UsageError);
  expect((failure as UsageError).message).toContain(said);
  expect((failure as UsageError).message).not.toContain("secret");
});
