import { connect as connectPlain, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecure, type TLSSocket } from "node:tls";
import { errors } from "undici";
import type { LaneEndpoint } from "./lane-endpoint.ts";

/** Every read goes into one of these, again and again. */
const bufferBytes = 256 * 1024;

/** Who uses a connection. */
export interface SocketUser {
  /**
   * Takes borrowed bytes, in their order. A promise stops the reading until it settles; the bytes are then given back.
   * It never rejects.
   */
  onBytes(bytes: Buffer): void | Promise<void>;
  /** The connection has ended; nothing more comes. */
  onEnd(error?: Error): void;
}

/**
 * One connection whose reads go into buffers of its own that are used again, in place of new ones that wait for the
 * garbage collector.
 */
export class LaneSocket {
  readonly socket: Socket;
  #user: SocketUser | undefined;
  #isBusy = false;
  #isClosed = false;
  #error: Error | undefined;
  #reading: Buffer;
  readonly #spare: Buffer[] = [];
  /** What came while the user was busy: TLS hands over all records of a read, wanted or not. */
  readonly #backlog: { readonly buffer: Buffer; readonly bytes: number }[] = [];

  private constructor(endpoint: LaneEndpoint) {
    this.#reading = Buffer.allocUnsafeSlow(bufferBytes);
    const onread: OnReadOpts = {
      buffer: () => this.#reading,
      callback: (bytes: number) => this.#onRead(bytes),
    };
    const { host, port, tls } = endpoint;
    // a TLS socket is a socket: it passes the option on, though its types do not know
    const options = { ...tls?.(), host, port, onread } as const;
    this.socket = tls ? connectSecure(options as ConnectionOptions) : connectPlain(options);
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, 60_000);
    this.socket.on("error", (error) => this.#end(error));
    this.socket.on("end", () => this.#end());
    this.socket.on("close", () => this.#end());
  }

  /** A connection that stands. @throws whatever the system or TLS has against it; `signal.reason` */
  static async open(endpoint: LaneEndpoint, signal: AbortSignal | undefined): Promise<LaneSocket> {
    signal?.throwIfAborted();
    const made = new LaneSocket(endpoint);
    const { socket } = made;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal?.reason);
    const timer = setTimeout(
      () => reject(new errors.ConnectTimeoutError(`Connect Timeout Error (${endpoint.host}:${endpoint.port})`)),
      endpoint.timeoutMs,
    );
    const onSession = (session: Buffer) => endpoint.keepSession?.(session);
    if (endpoint.tls) (socket as TLSSocket).on("session", onSession);
    signal?.addEventListener("abort", onAbort, { once: true });
    made.#user = {
      onBytes() {}, // before it was asked for anything: the end comes when it is
      onEnd: (error) => reject(error ?? new errors.SocketError("other side closed")),
    };
    socket.once(endpoint.tls ? "secureConnect" : "connect", resolve);
    try {
      await promise;
      made.#user = undefined;
      return made;
    } catch (error) {
      made.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Whether it can be used again: nobody uses it, and nothing has come that nobody asked for. */
  get isIdle(): boolean {
    return !this.#isClosed && !this.#isBusy && this.#user === undefined && this.#backlog.length === 0;
  }

  /** Gives it to `user`, until {@link release} or {@link destroy}. */
  use(user: SocketUser): void {
    this.#user = user;
    if (this.#isClosed) queueMicrotask(() => this.#tellEnd());
  }

  /** Takes it from its user; it stays open. */
  release(): void {
    this.#user = undefined;
  }

  /** Ends it, and tells its user why. */
  fail(error: Error): void {
    this.#end(error);
  }

  /** Drops it at once; nobody is told. */
  destroy(): void {
    this.#user = undefined;
    this.#isClosed = true;
    this.socket.destroy();
  }

  #onRead(bytes: number): boolean {
    const buffer = this.#reading;
    if (this.#isBusy) {
      this.#backlog.push({ buffer, bytes });
      this.#reading = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      return false;
    }
    if (this.#user === undefined) {
      this.destroy(); // nobody asked for anything
      return false;
    }
    const taken = this.#user.onBytes(buffer.subarray(0, bytes));
    if (!(taken instanceof Promise)) return true;
    this.#isBusy = true;
    this.#reading = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
    void this.#goOn(buffer, taken);
    return false;
  }

  async #goOn(buffer: Buffer, taken: Promise<void>): Promise<void> {
    await taken;
    this.#spare.push(buffer);
    for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
      if (this.#user === undefined) break;
      await this.#user.onBytes(next.buffer.subarray(0, next.bytes));
      this.#spare.push(next.buffer);
    }
    this.#isBusy = false;
    if (this.#isClosed) this.#tellEnd();
    else this.socket.resume();
  }

  #end(error?: Error): void {
    this.#error ??= error;
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.socket.destroy();
    if (!this.#isBusy) this.#tellEnd();
  }

  #tellEnd(): void {
    const user = this.#user;
    this.#user = undefined;
    user?.onEnd(this.#error);
  }
}
