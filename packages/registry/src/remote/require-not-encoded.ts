import { contentEncodingOf, type ResponseHeaders } from "./headers.ts";
import { type Operation, protocolError } from "./operation.ts";

/**
 * The body of an answer that is read has to come as it is stored.
 * @throws RegistryError `PROTOCOL`
 */
export function requireNotEncoded(answer: { readonly headers: ResponseHeaders }, operation: Operation): void {
  const encoding = contentEncodingOf(answer.headers);
  if (encoding !== undefined) throw protocolError(operation, `the answer is encoded: ${encoding}`);
}
