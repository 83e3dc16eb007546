import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { DepsError } from "../errors.ts";

/** The least bits of an RSA key that is believed. */
const minRsaBits = 2048;

/** What `cosign` and `openssl` hash with; ed25519 hashes itself. */
const hashes = ["sha256", "sha512", "sha384"] as const;

/** Checks signatures that stand in files of their own. */
export interface SignatureCheck {
  /**
   * Makes sure that one of the keys signed these bytes.
   * @param signature as it was written: raw bytes, or those in base64
   * @param manifest what was signed, for messages
   * @throws DepsError `SIGNATURE_INVALID`
   */
  require(bytes: Uint8Array, signature: Uint8Array, manifest: string): void;
}

/**
 * A check of signatures by any of these keys, as PEM: ed25519, or RSA and elliptic curves over SHA-256, 384 or 512. That
 * is what `cosign sign-blob --key` and `openssl dgst -sign` write. No certificates, no log of signatures.
 * @throws TypeError without keys, and for texts that are no such key
 */
export function checkSignatures(publicKeys: readonly string[]): SignatureCheck {
  if (publicKeys.length === 0) throw new TypeError("cannot check signatures: there are no keys");
  const keys = publicKeys.map(parseKey);
  return {
    require(bytes, signature, manifest) {
      const forms = formsOf(signature);
      if (keys.some((key) => forms.some((form) => isSigned(bytes, form, key)))) return;
      const reason = signature.byteLength === 0 ? "its signature is empty" : "none of the keys signed these bytes";
      throw signatureInvalid(manifest, reason);
    },
  };
}

/** An error for a manifest without the signature it must have. */
export function signatureInvalid(
  manifest: string,
  reason: string,
  options?: ErrorOptions,
): DepsError<"SIGNATURE_INVALID"> {
  return new DepsError("SIGNATURE_INVALID", `cannot trust ${manifest}: ${reason}`, { manifest, reason }, options);
}

function parseKey(pem: string): KeyObject {
  let key: KeyObject;
  try {
    if (!/-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) throw new Error("no public key"); // but one is made of private ones too
    key = createPublicKey(pem);
  } catch (cause) {
    throw new TypeError("cannot check signatures: a key is no public key in PEM", { cause });
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type !== "ed25519" && type !== "ec" && type !== "rsa")
    throw new TypeError(`cannot check signatures: a key is of type ${type}, not ed25519, ec or rsa`);
  if (type === "rsa" && (details?.modulusLength ?? 0) < minRsaBits)
    throw new TypeError(`cannot check signatures: an RSA key has less than ${minRsaBits} bits`);
  return key;
}

function formsOf(signature: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(signature).toString("latin1").replace(/\s+/g, "");
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? [signature, Buffer.from(text, "base64")] : [signature];
}

function isSigned(bytes: Uint8Array, signature: Uint8Array, key: KeyObject): boolean {
  const algorithms = key.asymmetricKeyType === "ed25519" ? [null] : hashes;
  return algorithms.some((algorithm) => verify(algorithm, bytes, key, signature));
}
