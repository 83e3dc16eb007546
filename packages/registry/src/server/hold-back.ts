/**
 * The same chunks, each given only once there is another or the end was reached well: whoever counts bytes never gets
 * the last of a body that turns out to be damaged.
 */
export async function* holdBack(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  for await (const chunk of body) {
    if (held) yield held;
    held = chunk;
  }
  if (held) yield held;
}
