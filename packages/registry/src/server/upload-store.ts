import { randomUUID } from "node:crypto";
import { ApiError } from "./api-error.ts";
import { type UploadLimits, UploadSession } from "./upload-session.ts";

/** More unfinished uploads than this are not kept. */
const maxSessions = 1000;

/** Timers cannot be set for longer, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** What an {@link UploadStore} takes, and how long it keeps it. */
export interface UploadRules extends UploadLimits {
  /** An upload nobody used for so long is dropped. */
  readonly expiryMs: number;
}

/** The uploads a server has open. */
export class UploadStore implements AsyncDisposable {
  readonly #sessions: Map<string, UploadSession> = new Map();
  readonly rules: UploadRules;
  #timer: NodeJS.Timeout | undefined;

  constructor(rules: UploadRules) {
    this.rules = rules;
  }

  /**
   * Opens an upload. Where there are too many, the one unused for longest is dropped.
   * @throws ApiError `TOOMANYREQUESTS` when all are in use
   */
  async create(repository: string): Promise<UploadSession> {
    await this.#dropExpired();
    if (this.#sessions.size >= maxSessions) await this.remove(this.#stalest());
    const session = await UploadSession.create(randomUUID(), repository, this.rules);
    this.#sessions.set(session.id, session);
    this.#watch();
    return session;
  }

  /** @throws ApiError `BLOB_UPLOAD_UNKNOWN` */
  get(repository: string, id: string): UploadSession {
    const session = this.#sessions.get(id);
    if (session?.repository === repository && !this.#isExpired(session)) return session;
    throw new ApiError(404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
  }

  async remove(session: UploadSession): Promise<void> {
    if (this.#sessions.delete(session.id)) await session.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    for (const session of [...this.#sessions.values()]) await this.remove(session);
  }

  #isExpired({ users, usedAtMs }: UploadSession): boolean {
    return users === 0 && Date.now() - usedAtMs >= this.rules.expiryMs;
  }

  async #dropExpired(): Promise<void> {
    for (const session of [...this.#sessions.values()]) if (this.#isExpired(session)) await this.remove(session);
  }

  /** Looks after uploads nobody asks for again, on a timer that keeps no process alive. */
  #watch(): void {
    if (this.#timer) return;
    const drop = () => void this.#dropExpired().catch(() => undefined); // what cannot be closed now is with the process
    this.#timer = setInterval(drop, Math.min(this.rules.expiryMs, longestTimerMs)).unref();
  }

  #stalest(): UploadSession {
    const [stalest] = [...this.#sessions.values()]
      .filter(({ users }) => users === 0)
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    if (stalest) return stalest;
    throw new ApiError(429, "TOOMANYREQUESTS", "too many uploads at once", { "retry-after": "10" });
  }
}
