import type { BytePacer } from "./byte-pacer.ts";
import type { BodySink } from "./exchange.ts";

/** `sink`, with every piece held back until there is room for it. Meanwhile the socket is paused. */
export function pacedSink(sink: BodySink, pacer: BytePacer, signal?: AbortSignal): BodySink {
  return (chunk) => {
    if (chunk.byteLength > pacer.pieceBytes) return deliverPieces(chunk, sink, pacer, signal);
    const wait = pacer.take(chunk.byteLength, signal);
    return wait ? wait.then(() => sink(chunk)) : sink(chunk);
  };
}

/** A request's body, given away piece by piece as there is room. */
export async function* pacedBody(
  body: Uint8Array | AsyncIterable<Uint8Array>,
  pacer: BytePacer,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    for (const piece of piecesOf(chunk, pacer.pieceBytes)) {
      await pacer.take(piece.byteLength, signal);
      yield piece;
    }
  }
}

async function deliverPieces(
  chunk: Uint8Array,
  sink: BodySink,
  pacer: BytePacer,
  signal: AbortSignal | undefined,
  // biome-ignore lint/suspicious/noConfusingVoidType: what a sink gives
): Promise<void | false> {
  for (const piece of piecesOf(chunk, pacer.pieceBytes)) {
    await pacer.take(piece.byteLength, signal);
    if ((await sink(piece)) === false) return false;
  }
}

function* piecesOf(chunk: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < chunk.byteLength; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
}
