import type { CallOptions, Credentials, PasswordCredentials } from "@tranship/registry";
import * as z from "zod";
import { formatPlatform } from "../../../plan/platforms/platforms.ts";
import { isRootfsError, RootfsError } from "../../errors.ts";
import type { ToolEnvironment } from "../../ext4/find-tool.ts";
import { runTool } from "../../ext4/run-tool.ts";
import { registryHostOf } from "../image-reference.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import { type DockerImage, dockerImageSchema } from "./docker-image.ts";
import { DockerCliProgress } from "./docker-progress.ts";
import { LineSplitter } from "./line-splitter.ts";
import { PrivateFolder } from "./private-folder.ts";

/** How long the client may be silent while it pulls, in milliseconds. */
const pullTimeoutMs = 600_000;

const maxInspectBytes = 8 * 1024 * 1024;

/** A Docker daemon, asked through the `docker` program: it knows ways to a daemon that we do not. */
export class DockerCli implements DockerDaemon {
  readonly #environment: ToolEnvironment;

  constructor(environment: ToolEnvironment) {
    this.#environment = environment;
  }

  async inspect(reference: string, { signal }: CallOptions): Promise<DockerImage | undefined> {
    const step = `look for image ${reference}`;
    const chunks: Uint8Array[] = [];
    let size = 0;
    const onStdout = (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size > maxInspectBytes) throw unfit("what it tells of the image is too long");
      chunks.push(chunk);
    };
    try {
      await this.#run(["image", "inspect", "--", reference], { step, signal, onStdout });
    } catch (error) {
      if (isRootfsError(error, "TOOL_FAILED") && /no such (?:image|object)/i.test(error.details.output))
        return undefined;
      throw error;
    }
    const answer = z.tuple([dockerImageSchema]).safeParse(json(Buffer.concat(chunks).toString("utf8")));
    if (!answer.success) throw unfit("what it tells of the image cannot be read", answer.error);
    return answer.data[0];
  }

  async pull(
    { reference, platform, credentials }: Parameters<DockerDaemon["pull"]>[0],
    { signal, onProgress }: Parameters<DockerDaemon["pull"]>[1],
  ): Promise<void> {
    const folder = isPassword(credentials)
      ? await this.#login(credentials, registryHostOf(reference), signal)
      : undefined;
    try {
      const lines = new LineSplitter();
      const progress = new DockerCliProgress();
      const config = folder === undefined ? [] : ["--config", folder.path];
      const wanted = platform === undefined ? [] : [`--platform=${formatPlatform(platform)}`];
      await this.#run([...config, "pull", ...wanted, "--", reference], {
        step: `pull image ${reference}`,
        signal,
        idleTimeoutMs: pullTimeoutMs,
        onStdout(chunk) {
          for (const line of lines.push(chunk)) {
            const counts = progress.takeLine(line);
            if (counts) onProgress(counts);
          }
        },
      });
    } finally {
      await folder?.[Symbol.asyncDispose]();
    }
  }

  async save(
    id: string,
    take: (chunk: Uint8Array) => Promise<void>,
    { idleTimeoutMs, signal }: Parameters<DockerDaemon["save"]>[2],
  ): Promise<void> {
    await this.#run(["image", "save", "--", id], { step: `save image ${id}`, signal, idleTimeoutMs, onStdout: take });
  }

  async remove(reference: string, { signal }: CallOptions): Promise<void> {
    await this.#run(["image", "rm", "--", reference], { step: `remove image ${reference}`, signal }); // not forced
  }

  /** A folder of the client's own configuration with the credentials, for one pull. */
  async #login(
    { username, password }: PasswordCredentials,
    host: string,
    signal: AbortSignal | undefined,
  ): Promise<PrivateFolder> {
    const folder = await PrivateFolder.make("cubemaster-docker-config-");
    try {
      // An entry that is there keeps the client from handing the password to the desktop's keychain.
      await folder.write("config.json", JSON.stringify({ auths: { [host]: {} } }));
      await this.#run(["--config", folder.path, "login", "-u", username, "--password-stdin", "--", host], {
        step: `log in to ${host}`,
        signal,
        input: password,
      });
      return folder;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #run(args: readonly string[], options: Omit<Parameters<typeof runTool>[2], "environment">): Promise<void> {
    const environment = { ...this.#environment, LC_ALL: "C" };
    await runTool("docker", args, { ...options, environment });
  }
}

function isPassword(credentials: Credentials | undefined): credentials is PasswordCredentials {
  return credentials !== undefined && "password" in credentials;
}

function unfit(reason: string, cause?: unknown): RootfsError<"TOOL_UNFIT"> {
  return new RootfsError("TOOL_UNFIT", `cannot use docker: ${reason}`, { tool: "docker", reason }, { cause });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
