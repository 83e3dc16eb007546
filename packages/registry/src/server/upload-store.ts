import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError } from "./api-error.ts";
import { UploadSession } from "./upload-session.ts";

/** More unfinished uploads than this are not kept. */
const maxSessions = 1000;

/** The uploads a server has open, in a temporary folder that is made with the first and goes with the server. */
export class UploadStore implements AsyncDisposable {
  readonly #sessions: Map<string, UploadSession> = new Map();
  readonly #maxBytes: number;
  #folder: Promise<string> | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Opens an upload. Where there are too many, the one unused for longest is dropped.
   * @throws ApiError `TOOMANYREQUESTS` when all are in use
   */
  async create(repository: string): Promise<UploadSession> {
    if (this.#sessions.size >= maxSessions) await this.remove(this.#stalest());
    const session = await UploadSession.create(await this.#spool(), randomUUID(), repository, this.#maxBytes);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** The folder for uploads; one that could not be made is tried again. */
  async #spool(): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), "registry-uploads-"));
    try {
      return await this.#folder;
    } catch (error) {
      this.#folder = undefined;
      throw error;
    }
  }

  /** @throws ApiError `BLOB_UPLOAD_UNKNOWN` */
  get(repository: string, id: string): UploadSession {
    const session = this.#sessions.get(id);
    if (session?.repository === repository) return session;
    throw new ApiError(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
  }

  async remove(session: UploadSession): Promise<void> {
    if (!this.#sessions.delete(session.id)) return;
    await session.close();
    await rm(join((await this.#folder) ?? "", session.id), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of [...this.#sessions.values()]) await this.remove(session);
    const folder = await this.#folder?.catch(() => undefined);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  #stalest(): UploadSession {
    const [stalest] = [...this.#sessions.values()]
      .filter(({ users }) => users === 0)
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    if (stalest) return stalest;
    throw new ApiError(429, "TOOMANYREQUESTS", "too many uploads at once", { "retry-after": "10" });
  }
}
