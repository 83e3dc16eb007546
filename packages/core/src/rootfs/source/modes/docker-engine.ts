import type { IncomingMessage } from "node:http";
import { type CallOptions, printable } from "@tranship/registry";
import * as z from "zod";
import { formatPlatform } from "../../../plan/platforms/platforms.ts";
import { RootfsError } from "../../errors.ts";
import { parseImageRef, registryHostOf, splitImageRef, wantedOf } from "../image-reference.ts";
import { registryAuthHeader } from "./docker-credentials.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import type { DockerEndpoint } from "./docker-endpoint.ts";
import { type DockerImage, dockerImageSchema } from "./docker-image.ts";
import { DockerEngineProgress } from "./docker-progress.ts";
import { askDaemon, daemonFailed, readAnswer } from "./docker-request.ts";
import { LineSplitter } from "./line-splitter.ts";

/** How long the daemon may be silent before a short answer, and while it pulls, in milliseconds. */
const answerTimeoutMs = 60_000;
const pullTimeoutMs = 600_000;

const maxInspectBytes = 8 * 1024 * 1024;

const eventSchema = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string().optional() }).nullish(),
  progressDetail: z
    .object({ current: z.number().optional(), total: z.number().optional() })
    .nullish()
    .transform((detail) => detail ?? undefined),
});

/** A Docker daemon, asked by its HTTP interface. */
export class DockerEngine implements DockerDaemon {
  readonly #endpoint: DockerEndpoint;

  constructor(endpoint: DockerEndpoint) {
    this.#endpoint = endpoint;
  }

  async inspect(reference: string, { signal }: CallOptions): Promise<DockerImage | undefined> {
    const step = `look for image ${reference}`;
    const path = `/images/${encodeURIComponent(reference)}/json`;
    try {
      return await this.#ask({ method: "GET", path, step, idleTimeoutMs: answerTimeoutMs, signal }, async (answer) => {
        const text = await readAnswer(answer, maxInspectBytes);
        const image = dockerImageSchema.safeParse(text === undefined ? undefined : json(text));
        if (!image.success) throw daemonFailed(this.#endpoint, step, "its answer is none about an image", image.error);
        return image.data;
      });
    } catch (error) {
      if (error instanceof RootfsError && "status" in error.details && error.details.status === 404) return undefined;
      throw error;
    }
  }

  async pull(
    { reference, platform, credentials }: Parameters<DockerDaemon["pull"]>[0],
    { signal, onProgress }: Parameters<DockerDaemon["pull"]>[1],
  ): Promise<void> {
    const step = `pull image ${reference}`;
    const query = new URLSearchParams({
      fromImage: splitImageRef(reference).name,
      tag: wantedOf(parseImageRef(reference)), // a digest goes into it, too
      ...(platform === undefined ? {} : { platform: formatPlatform(platform) }),
    });
    const headers = credentials && { "x-registry-auth": registryAuthHeader(credentials, registryHostOf(reference)) };
    const path = `/images/create?${query}`;
    await this.#ask({ method: "POST", path, headers, step, idleTimeoutMs: pullTimeoutMs, signal }, async (answer) => {
      const progress = new DockerEngineProgress();
      for await (const text of linesOf(answer, () => daemonFailed(this.#endpoint, step, "it sent an endless line"))) {
        const event = eventSchema.safeParse(json(text));
        if (!event.success) throw daemonFailed(this.#endpoint, step, "it sent an event that is none", event.error);
        const { error, errorDetail } = event.data;
        const reason = errorDetail?.message ?? error;
        if (reason !== undefined) throw daemonFailed(this.#endpoint, step, printable(reason, 500));
        const counts = progress.takeEvent(event.data);
        if (counts) onProgress(counts);
      }
    });
  }

  async save(
    id: string,
    take: (chunk: Uint8Array) => Promise<void>,
    { idleTimeoutMs, signal }: Parameters<DockerDaemon["save"]>[2],
  ): Promise<void> {
    const path = `/images/${encodeURIComponent(id)}/get`;
    await this.#ask({ method: "GET", path, step: `save image ${id}`, idleTimeoutMs, signal }, async (answer) => {
      for await (const chunk of answer as AsyncIterable<Uint8Array>) await take(chunk);
    });
  }

  async remove(reference: string, { signal }: CallOptions): Promise<void> {
    const path = `/images/${encodeURIComponent(reference)}`; // not forced: another build may be using it
    const step = `remove image ${reference}`;
    await this.#ask({ method: "DELETE", path, step, idleTimeoutMs: answerTimeoutMs, signal }, async (answer) => {
      await readAnswer(answer, maxInspectBytes);
    });
  }

  async #ask<Result>(
    request: Parameters<typeof askDaemon>[1],
    take: (answer: IncomingMessage) => Promise<Result>,
  ): Promise<Result> {
    return await askDaemon(this.#endpoint, request, take);
  }
}

async function* linesOf(answer: IncomingMessage, endless: () => Error): AsyncGenerator<string> {
  const lines = new LineSplitter();
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    yield* lines.push(chunk);
    if (lines.isOver) throw endless(); // what follows might be the error that ends the pull
  }
  yield* lines.end();
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
