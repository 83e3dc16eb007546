import { RootfsError } from "../errors.ts";
import type { ImageReference } from "./image-reference.ts";
import { registryAuthOf } from "./registry-auth.ts";
import type { SourceSpec } from "./source.ts";

/** Whether a host, maybe with its port, is this machine. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/**
 * Keeps credentials from travelling to a registry of another machine in plain HTTP, unless the source allows it.
 * @throws RootfsError `CREDENTIALS_EXPOSED`
 */
export function requirePrivateCredentials(
  spec: SourceSpec,
  { host, repository, isPlainHttp }: Pick<ImageReference, "host" | "repository" | "isPlainHttp">,
): void {
  if (!registryAuthOf(spec) || !isPlainHttp || spec.allowExposedCredentials === true || isLoopback(host)) return;
  const message = `cannot ask ${host} for ${repository}: credentials would travel in plain HTTP, readable for everyone on the way`;
  throw new RootfsError("CREDENTIALS_EXPOSED", message, { reference: spec.imageRef, host });
}
