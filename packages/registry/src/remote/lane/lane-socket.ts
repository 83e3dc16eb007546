import { connect as connectPlain, type OnReadOpts, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectSecure, type TLSSocket } from "node:tls";
import { errors } from "undici";
import type { LaneEndpoint } from "./lane-endpoint.ts";

/** Every read goes into one of these, again and again. */
const bufferBytes = 256 * 1024;

/** What TLS gives at a time. */
const recordBytes = 16 * 1024;

/** A buffer and how much of it has come. */
interface Filled {
  readonly buffer: Buffer;
  readonly bytes: number;
}

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
  /** Bytes of {@link #reading} that the user has not got. */
  #filled = 0;
  readonly #spare: Buffer[] = [];
  /** What came while the user was busy: TLS hands over all records of a read, wanted or not. */
  readonly #backlog: Filled[] = [];
  /** Ends the turn of the event loop in which records were gathered. */
  #turn: NodeJS.Immediate | undefined;

  private constructor(endpoint: LaneEndpoint) {
    this.#reading = Buffer.allocUnsafeSlow(bufferBytes);
    // Records of TLS are small, and gathered until the event loop's turn ends: to copy them costs less than to tell of each.
    const record = endpoint.tls && Buffer.allocUnsafeSlow(recordBytes);
    const onread: OnReadOpts = {
      buffer: () => record ?? this.#reading,
      callback: record ? (bytes) => this.#gather(record.subarray(0, bytes)) : (bytes) => this.#onRead(bytes),
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
    const isEmpty = this.#filled === 0 && this.#backlog.length === 0;
    return !this.#isClosed && !this.#isBusy && this.#user === undefined && isEmpty;
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
    this.#filled = 0;
    clearImmediate(this.#turn);
    this.socket.destroy();
  }

  #onRead(bytes: number): boolean {
    this.#filled = bytes;
    return this.#passOn();
  }

  #gather(record: Buffer): boolean {
    for (let at = 0; at < record.byteLength; ) {
      const copied = record.copy(this.#reading, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled === this.#reading.byteLength) this.#passOn();
    }
    if (!this.#isBusy && this.#filled > 0) this.#turn ??= setImmediate(() => this.#endTurn());
    return !this.#isBusy;
  }

  #endTurn(): void {
    this.#turn = undefined;
    if (this.#filled > 0 && !this.#isBusy && !this.#passOn()) this.socket.pause();
  }

  /** Gives what has come to the user, or keeps it until that has time; whether more may be read at once. */
  #passOn(): boolean {
    if (this.#isBusy) {
      this.#backlog.push(this.#takeFilled());
      return false;
    }
    if (this.#user === undefined) {
      this.destroy(); // nobody asked for anything
      return false;
    }
    const taken = this.#user.onBytes(this.#reading.subarray(0, this.#filled));
    if (!(taken instanceof Promise)) {
      this.#filled = 0;
      return true;
    }
    this.#isBusy = true;
    void this.#goOn(this.#takeFilled().buffer, taken);
    return false;
  }

  /** What is filled; reads go into another buffer from now on. */
  #takeFilled(): Filled {
    const filled = { buffer: this.#reading, bytes: this.#filled };
    this.#reading = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
    this.#filled = 0;
    return filled;
  }

  async #goOn(buffer: Buffer, taken: Promise<void>): Promise<void> {
    await taken;
    this.#spare.push(buffer);
    while (this.#user) {
      const next = this.#backlog.shift() ?? (this.#filled > 0 ? this.#takeFilled() : undefined);
      if (next === undefined) break;
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
    clearImmediate(this.#turn);
    if (!this.#isBusy && this.#filled > 0 && this.#user) this.#passOn(); // what came before the end
    if (!this.#isBusy) this.#tellEnd();
  }

  #tellEnd(): void {
    const user = this.#user;
    this.#user = undefined;
    user?.onEnd(this.#error);
  }
}
