import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { RegistryError } from "../../errors.ts";
import type { ClientCertificate, TransportOptions } from "./host-options.ts";

const pemCertificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * Reads what `options` hold of certificates and keys, so that a mistake shows before the first connection.
 * @throws RegistryError `TLS` with reason `INVALID_CA`, `INVALID_CLIENT_CERTIFICATE`, `INVALID_CLIENT_KEY` or
 *   `CLIENT_KEY_MISMATCH`; the text itself is never shown
 */
export function checkCertificates({ ca, clientCertificate }: TransportOptions, host: string): void {
  if (ca !== undefined) certificatesOf(ca, host);
  if (!clientCertificate) return;
  const certificate = readCertificate(clientCertificate.cert);
  if (!certificate)
    throw unusable(host, "INVALID_CLIENT_CERTIFICATE", "the client certificate is not a PEM certificate");
  const key = readKey(clientCertificate, host);
  if (!certificate.checkPrivateKey(key)) {
    throw unusable(host, "CLIENT_KEY_MISMATCH", "the client certificate is for another key than the one given");
  }
}

/** Makes secure contexts: one for each kind of host, at its first connection. */
export class Trust {
  readonly #contexts = new Map<TransportOptions, SecureContext>();
  #base: readonly string[] | undefined;

  /** What a TLS connection under these options trusts and shows. The same object is asked for once. */
  contextOf(options: TransportOptions): SecureContext {
    const known = this.#contexts.get(options);
    if (known) return known;
    const { tlsSkipVerify = false, ca, clientCertificate } = options;
    const context = createSecureContext({
      ...(tlsSkipVerify ? {} : { ca: [...this.#trusted(), ...(ca === undefined ? [] : certificatesOf(ca, ""))] }),
      ...(clientCertificate ? { cert: clientCertificate.cert, key: clientCertificate.key } : {}),
      ...(clientCertificate?.passphrase === undefined ? {} : { passphrase: clientCertificate.passphrase }),
    });
    this.#contexts.set(options, context);
    return context;
  }

  /**
   * Node's own list with what NODE_EXTRA_CA_CERTS adds, and the system's: who manages a machine puts a company's
   * authority there, and the tools beside us trust it. Reading the system's takes some 25 ms, once in a process; a
   * context of all of them 10 ms (Debian, 290 certificates), which is why contexts are shared by connections.
   */
  #trusted(): readonly string[] {
    this.#base ??= [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
    return this.#base;
  }
}

function certificatesOf(ca: string | readonly string[], host: string): string[] {
  return (typeof ca === "string" ? [ca] : ca).flatMap((text) => {
    const found = text.match(pemCertificate) ?? [];
    if (found.length > 0 && found.every((pem) => readCertificate(pem))) return found;
    throw unusable(host, "INVALID_CA", "a certificate to trust is not PEM, or damaged");
  });
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function readKey({ key, passphrase }: ClientCertificate, host: string): KeyObject {
  try {
    return createPrivateKey(passphrase === undefined ? key : { key, passphrase });
  } catch {
    const why = passphrase === undefined ? "or needs a passphrase" : "or the passphrase is wrong";
    throw unusable(host, "INVALID_CLIENT_KEY", `the client certificate's key is not a PEM private key, ${why}`);
  }
}

function unusable(registry: string, reason: string, why: string): RegistryError {
  const message = `cannot speak TLS with ${registry}: ${why}`;
  return new RegistryError("TLS", message, { registry, reference: registry, reason });
}
