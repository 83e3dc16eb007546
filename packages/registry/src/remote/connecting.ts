import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:net";
import type { buildConnector } from "undici";

/** Told of the connection that is being made for a request. */
export type OnSocket = (socket: Socket) => void;

// Undici makes connections for its pools, not for requests: a request given up meanwhile would leave its connection to
// the timeout. The context of a call is the one thing that leads from a request to the connector.
const waiting = new AsyncLocalStorage<OnSocket>();

/** Does `send`; the connection that undici makes because of it is shown to `onSocket` before it stands. */
export function showingSocket(onSocket: OnSocket, send: () => void): void {
  waiting.run(onSocket, send);
}

/** Shows a socket that a connector has just opened to whoever sends because of it. */
export function showSocket(socket: Socket): void {
  waiting.getStore()?.(socket);
}

/** The same connector, showing its sockets to those who send within {@link showingSocket}. */
export function shownConnector(connector: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    // undici's own connectors give the socket at once; their types keep quiet about it
    const socket = connector(options, callback) as unknown as Socket | undefined;
    if (socket) showSocket(socket);
    return socket;
  };
}
