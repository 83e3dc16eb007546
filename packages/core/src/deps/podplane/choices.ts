import { DepsError } from "../errors.ts";
import { parseNames } from "../selectors.ts";
import { supportedArchs } from "./well-known.ts";

/**
 * The architectures that are asked for, each once, in their order; `fallback` alone where no list is given.
 * @throws DepsError `ARCH_UNSUPPORTED`, also when the lists name nothing
 */
export function parseArchs(lists: string | readonly string[] | undefined, fallback: string): readonly string[] {
  const isGiven = lists !== undefined && (typeof lists === "string" || lists.length > 0);
  const archs = isGiven ? parseNames(lists) : [fallback];
  const unknown = archs.find((arch) => !supportedArchs.includes(arch));
  if (archs.length > 0 && unknown === undefined) return archs;
  const arch = (unknown ?? "").slice(0, 100);
  const reason = unknown === undefined ? "none is named" : `${JSON.stringify(arch)} is none of them`;
  const message = `cannot choose among architectures ${supportedArchs.join(" and ")}: ${reason}`;
  throw new DepsError("ARCH_UNSUPPORTED", message, { arch, supported: supportedArchs });
}

const secretProviderOf: Readonly<Record<string, string>> = {
  aws: "aws",
  gcp: "gcp",
  google: "gcp",
  proxmox: "openbao",
};

/** The providers of secrets that go with cloud providers, each once, in their order. Other providers have none. */
export function secretProviders(providers: string | readonly string[]): readonly string[] {
  const found = parseNames(providers).flatMap((name) =>
    Object.hasOwn(secretProviderOf, name) ? [secretProviderOf[name] ?? ""] : [],
  );
  return [...new Set(found)];
}
