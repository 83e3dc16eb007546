import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import * as z from "zod";
import { type AuthEntry, authEntrySchema } from "./auth-entry.ts";
import { unusable } from "./unusable.ts";

/** The parts of docker's `config.json` and podman's `auth.json` that are about credentials. */
export interface DockerConfig {
  readonly auths?: Readonly<Record<string, AuthEntry>> | null | undefined;
  /** The program to ask, by registry. */
  readonly credHelpers?: Readonly<Record<string, string>> | null | undefined;
  /** The program to ask for all others. */
  readonly credsStore?: string | null | undefined;
}

const configSchema: z.ZodType<DockerConfig> = z.object({
  auths: z.record(z.string(), authEntrySchema).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
});

const maxBytes = 1024 * 1024;

/** Without waiting: a pipe in the file's place would never open. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** A configuration file, read once and again when it was changed. */
export class ConfigFile {
  readonly path: string;
  #known: { readonly version: string; readonly config: DockerConfig } | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * What the file holds now; `undefined` when there is none.
   * @throws RegistryError `CREDENTIALS_UNUSABLE`
   */
  async read(): Promise<DockerConfig | undefined> {
    try {
      await using file = await open(this.path, openFlags);
      return await this.#readOpen(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return undefined;
      if (typeof code !== "string" || code === "CREDENTIALS_UNUSABLE") throw error;
      throw unusable(this.path, code);
    }
  }

  async #readOpen(file: FileHandle): Promise<DockerConfig> {
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) throw unusable(this.path, "it is not a file");
    const version = `${stats.ino} ${stats.mtimeNs} ${stats.size}`;
    if (this.#known?.version === version) return this.#known.config;
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.byteLength - length);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > maxBytes) throw unusable(this.path, `it is larger than ${maxBytes} bytes`);
    }
    const config = parseDockerConfig(bytes.subarray(0, length), this.path);
    this.#known = { version, config };
    return config;
  }
}

/**
 * Reads a configuration; `path` names it in errors. Neither JSON's nor the schema's own message is kept: they show pieces of the file.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`
 */
export function parseDockerConfig(bytes: Uint8Array, path: string): DockerConfig {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw unusable(path, "it is not JSON");
  }
  const parsed = configSchema.safeParse(json);
  if (!parsed.success) throw unusable(path, "it is not a configuration of docker or podman");
  return parsed.data;
}
