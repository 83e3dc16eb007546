import { createReadStream } from "node:fs";
import { fileReason } from "../file-reason.ts";
import { UsageError } from "../usage-error.ts";
import type { Config } from "./config.ts";
import { ConfigError } from "./config-error.ts";
import { configFaults } from "./config-faults.ts";
import { configSchema } from "./config-schema.ts";
import { type KeyPath, readYaml } from "./yaml-document.ts";

/** The longest configuration that is read, in bytes: 1 MiB. */
export const maxConfigBytes: number = 1024 * 1024;

/** Reads a configuration from a file. @throws ConfigError; UsageError when it cannot be read */
export async function readConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file), file);
}

/** Reads a configuration from text; `file` names it in errors. @throws ConfigError */
export function parseConfig(text: string, file: string): Config {
  const yaml = readYaml(text);
  if (!("positionOf" in yaml)) throw new ConfigError(file, yaml);
  const value = yaml.value ?? {}; // nothing but comments says nothing
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const faults = configFaults(result.error, value).map(({ path, part, message }) => ({
    ...yaml.positionOf(path, part),
    message: path.length === 0 ? message : `${formatPath(path)}: ${message}`,
  }));
  throw new ConfigError(file, faults);
}

/** Such as `images.include[0].range`; a key that is not one plain word is quoted, without a user name and password in it. */
function formatPath(path: KeyPath): string {
  return path
    .map((step, at) => {
      if (typeof step === "number") return `[${step}]`;
      const key = String(step);
      if (!/^[A-Za-z0-9_-]+$/.test(key)) return `[${JSON.stringify(key.replace(/^.*@/s, "…@").slice(0, 100))}]`;
      return at === 0 ? key : `.${key}`;
    })
    .join("");
}

async function readText(file: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    // one byte more than allowed tells a file that is too long; it may be a pipe, too
    for await (const chunk of createReadStream(file, { end: maxConfigBytes })) chunks.push(chunk);
  } catch (cause) {
    throw new UsageError(`cannot read the configuration ${file}: ${fileReason(cause)}`, { cause });
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > maxConfigBytes) throw new UsageError(`${file} is longer than ${maxConfigBytes} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${file} is not text in UTF-8`, { cause });
  }
}
