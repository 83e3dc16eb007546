import { UsageError } from "./usage-error.ts";

/** The longest password read, in bytes. */
const maxBytes = 64 * 1024;

/** What has been read: an input gives it once, and several registries of one host may be opened. */
const passwords = new WeakMap<AsyncIterable<Uint8Array>, Promise<string>>();

/**
 * The password that `input` gives: all of it, but for the end of its line. Asked again, it is the same.
 * @throws UsageError when there is none, or more than one line
 */
export function readPassword(input: AsyncIterable<Uint8Array>, flag: string): Promise<string> {
  const password = passwords.get(input) ?? readOnce(input, flag);
  passwords.set(input, password);
  return password;
}

async function readOnce(input: AsyncIterable<Uint8Array>, flag: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new UsageError(`${flag}: more than ${maxBytes} bytes came in`);
    chunks.push(chunk);
  }
  const password = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (password === "") throw new UsageError(`${flag}: nothing came in on standard input`);
  if (/[\r\n]/.test(password)) throw new UsageError(`${flag}: more than one line came in on standard input`);
  return password;
}
