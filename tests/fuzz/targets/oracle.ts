import { isDeepStrictEqual } from "node:util";
import { type Descriptor, isRegistryError, type RegistryErrorCode } from "@tranship/registry";

/** What an oracle throws: the parser did what it must not. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** @throws Fault unless `holds` */
export function require(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Fault(message);
}

/** @throws Fault unless both are the same, all the way down */
export function requireSame(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Fault(`${what}: ${shown(actual)} in place of ${shown(expected)}`);
  }
}

/** The value, or `undefined` for a refusal that `isOwn` knows; any other error is thrown. A refusal's message must be fit for a terminal. */
export function unlessRefused<Value>(read: () => Value, isOwn: (error: unknown) => boolean): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error) || !isOwn(error)) throw error;
    requireDecent(error.message);
    return undefined;
  }
}

/** Whether an error is of the registry package, with one of these codes. */
export function isRegistryRefusal(...codes: readonly RegistryErrorCode[]): (error: unknown) => boolean {
  return (error) => codes.some((code) => isRegistryError(error, code));
}

/** @throws Fault for a message that could steer a terminal, or fill it */
export function requireDecent(message: string): void {
  const isDecent = message.length < 5000 && Array.from(message).every((one) => one >= " " && one !== "\u007f");
  if (!isDecent) throw new Fault(`a message of ${message.length} characters: ${shown(message)}`);
}

/** @throws Fault unless the number is a count of bytes */
export function requireBytes(value: number, what: string): void {
  require(Number.isSafeInteger(value) && value >= 0, `${what} is ${value}`);
}

/** A digest as image-spec v1.1, "Digests", writes those of registered algorithms. */
const digest = /^sha256:[a-f0-9]{64}$|^sha512:[a-f0-9]{128}$/;

/** @throws Fault unless the text is a digest of a registered algorithm */
export function requireDigest(text: string): void {
  require(digest.test(text), `the digest ${JSON.stringify(text.slice(0, 200))} was accepted`);
}

/** @throws Fault unless a descriptor can be used without another look */
export function requireDescriptor({ digest: own, size, mediaType }: Descriptor): void {
  requireDigest(own);
  requireBytes(size, "a descriptor's size");
  require(typeof mediaType === "string" && mediaType !== "", "a descriptor has no media type");
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 500);
}
