import { type Digest, digestAlgorithm, digestOf } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import { shownUrl } from "../files/http-address.ts";
import { checkSignatures, type SignatureCheck } from "./signature.ts";
import { isOlderVersion } from "./version-order.ts";

/**
 * What makes manifests that are fetched worth believing. All that is given must hold, except that a manifest with a pin
 * needs no signature. Manifests read from local files need neither: whoever names the file answers for it.
 */
export interface ManifestTrust {
  /**
   * The digests manifests must have, by name: `components`, or `vmconfig_knc_debian-13_arm64`. `vmconfig` is for all of
   * those that have no pin of their own; as no two have the same bytes, it is of use with one architecture alone.
   */
  readonly pins?: Readonly<Record<string, Digest>> | undefined;
  /** Without a pin, a manifest is read only if it is signed. */
  readonly signature?: SignatureTrust | undefined;
  /** The only hosts anything is fetched from, as {@link allowHosts} takes them. @defaultValue any */
  readonly allowedHosts?: readonly string[] | undefined;
  /**
   * Whether manifests with neither pin nor signature may come over `http://` from another machine. @defaultValue `false`:
   * anybody on the way could write what is in them
   */
  readonly allowPlainHttp?: boolean | undefined;
  /**
   * Whether a signed manifest may be older than the one that was at its address before, by their versions. @defaultValue
   * `false`: whoever can answer for the server could bring back what was mended since, with a signature of then. Where
   * nothing is signed, versions prove nothing, and publishers may take one back
   */
  readonly allowDowngrade?: boolean | undefined;
}

/** Whose signatures are believed, and where they are. */
export interface SignatureTrust {
  /** In PEM; any of them will do. */
  readonly publicKeys: readonly string[];
  /** What follows a manifest's address in that of its signature. @defaultValue `.sig` */
  readonly suffix?: string | undefined;
}

/** {@link ManifestTrust}, ready to be asked. */
export interface TrustPolicy {
  /** The digest a manifest must have. */
  pinOf(name: string): Digest | undefined;
  /** How a manifest's signature is checked and what its address ends in; `undefined` where it needs none. */
  signatureOf(name: string): { readonly check: SignatureCheck; readonly suffix: string } | undefined;
  /**
   * Makes sure that a manifest may come from an address.
   * @throws DepsError `URL_INVALID`
   */
  requireUrl(url: string, name: string): void;
  /**
   * Makes sure that a manifest is no older than the one that was there before.
   * @throws DepsError `DOWNGRADE`
   */
  requireNoDowngrade(name: string, known: string, actual: string): void;
}

/**
 * The policy of a {@link ManifestTrust}.
 * @throws TypeError for keys that are none
 */
export function trustPolicy(trust: ManifestTrust = {}): TrustPolicy {
  const { pins = {}, signature, allowPlainHttp = false, allowDowngrade = false } = trust;
  const own = (name: string) => (Object.hasOwn(pins, name) ? pins[name] : undefined);
  const pinOf = (name: string) => own(name) ?? (name.startsWith("vmconfig_") ? own("vmconfig") : undefined);
  const signed = signature && {
    check: checkSignatures(signature.publicKeys),
    suffix: signature.suffix ?? ".sig",
  };
  return {
    pinOf,
    signatureOf: (name) => (pinOf(name) === undefined ? signed : undefined),
    requireUrl(url, name) {
      const isProven = pinOf(name) !== undefined || signed !== undefined;
      const reason = faultOf(url, isProven || allowPlainHttp);
      if (reason === undefined) return;
      const shown = shownUrl(url);
      throw new DepsError("URL_INVALID", `cannot fetch manifest ${name} from ${JSON.stringify(shown)}: ${reason}`, {
        item: name,
        url: shown,
        reason,
      });
    },
    requireNoDowngrade(name, known, actual) {
      if (allowDowngrade || signed === undefined || pinOf(name) !== undefined || !isOlderVersion(actual, known)) return;
      const message = `cannot trust manifest ${name}: it is ${actual}, older than ${known}, which was there before`;
      throw new DepsError("DOWNGRADE", message, { manifest: name, known, actual });
    },
  };
}

/**
 * Makes sure that a manifest has the bytes that were pinned.
 * @throws DepsError `PIN_MISMATCH`
 */
export function requirePin(bytes: Uint8Array, pin: Digest, manifest: string): void {
  const actual = digestOf(bytes, digestAlgorithm(pin));
  if (actual === pin) return;
  throw new DepsError("PIN_MISMATCH", `cannot trust ${manifest}: expected ${pin}, got ${actual}`, {
    manifest,
    expected: pin,
    actual,
  });
}

function faultOf(url: string, isProven: boolean): string | undefined {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return "it is no http or https address";
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || isProven || isLoopback(hostname)) return undefined;
  return "over http a manifest needs a pin or a signature";
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d+){3}$/.test(hostname)
  );
}
