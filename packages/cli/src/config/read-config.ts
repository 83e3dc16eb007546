import { createReadStream } from "node:fs";
import { UsageError } from "../usage-error.ts";
import type { Config } from "./config.ts";
import { configFaults } from "./config-faults.ts";
import { configSchema } from "./config-schema.ts";
import { type KeyPath, type PlacedFault, readYaml } from "./yaml-document.ts";

/** The longest configuration that is read, in bytes: 1 MiB. */
export const maxConfigBytes: number = 1024 * 1024;

/** How many faults are told at once. */
const maxFaults = 10;

/** Reads a configuration from a file. @throws UsageError that names each fault by file, line and column */
export async function readConfig(file: string): Promise<Config> {
  return parseConfig(await readText(file), file);
}

/** Reads a configuration from text; `file` names it in errors. @throws UsageError */
export function parseConfig(text: string, file: string): Config {
  const yaml = readYaml(text);
  if (!("positionOf" in yaml)) throw refusal(file, yaml);
  const value = yaml.value ?? {}; // nothing but comments says nothing
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const faults = configFaults(result.error, value).map(({ path, part, message }) => ({
    ...yaml.positionOf(path, part),
    message: path.length === 0 ? message : `${formatPath(path)}: ${message}`,
  }));
  throw refusal(file, faults);
}

function refusal(file: string, faults: readonly PlacedFault[]): UsageError {
  const sorted = faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.slice(0, maxFaults).map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
  if (faults.length > maxFaults) lines.push(`${file}: and ${faults.length - maxFaults} more`);
  return new UsageError(lines.join("\n"));
}

/** Such as `images.include[0].range`; a key that is not one plain word is quoted. */
function formatPath(path: KeyPath): string {
  return path
    .map((step, at) => {
      if (typeof step === "number") return `[${step}]`;
      const key = String(step);
      if (!/^[A-Za-z0-9_-]+$/.test(key)) return `[${JSON.stringify(key.slice(0, 100))}]`;
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
    const { code = "unknown" } = cause as NodeJS.ErrnoException;
    throw new UsageError(`cannot read the configuration ${file}: ${code}`, { cause });
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > maxConfigBytes) throw new UsageError(`${file} is longer than ${maxConfigBytes} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${file} is not text in UTF-8`, { cause });
  }
}
