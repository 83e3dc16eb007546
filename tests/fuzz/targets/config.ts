import { ConfigError, faultLines } from "../../../packages/cli/src/config/config-error.ts";
import { parseConfig } from "../../../packages/cli/src/config/read-config.ts";
import { require, requireDecent, requireSame } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";
import { mutateLines, yamlShape, yamlWords } from "./yaml-input.ts";

/** `tranship.yaml`, which is found in any folder. */
export const configTarget: FuzzTarget = {
  name: "config",
  testRuns: 200,
  what: "`tranship.yaml`",
  alphabet: "text",
  words: [
    ...yamlWords,
    "version: 1",
    "source: ",
    "registry.example.com/fe",
    "packages:",
    "images:",
    "include:",
    "console@^1.45",
    "registries:",
    "platforms: [linux/amd64]",
    "linux/",
    "pull: {}",
    "mirrors:",
    "password: hunter2",
  ],
  maxLength: 512 * 1024,
  nsPerCharacter: 20_000, // the reader of YAML makes several objects of a character
  mutate: mutateLines,
  shape: yamlShape,
  judge: (input) => {
    try {
      const config = parseConfig(input, "tranship.yaml");
      requireSame(
        parseConfig(JSON.stringify(config), "tranship.yaml"),
        config,
        "a configuration written and read again",
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const lines = faultLines(error);
      require(lines.length > 0 && lines.length <= 11, `${lines.length} faults are told`);
      for (const line of lines) requireDecent(line);
      for (const { line, column } of error.details.faults) require(line >= 1 && column >= 1, "a fault is nowhere");
      return false;
    }
  },
};
