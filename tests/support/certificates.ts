import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const openssl = "openssl"; // of the machine, not of a package

/** Whether certificates can be made here. */
export const canMakeCertificates: boolean = spawnSync(openssl, ["version"]).status === 0;

/** A certificate and its private key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Options of {@link CertificateAuthority.issue}. */
export interface IssueOptions {
  /** Who it is for, in openssl's words: `DNS:localhost,IP:127.0.0.1`. */
  readonly altNames: string;
  /** Valid from now on; negative for one that has expired. @defaultValue 2 */
  readonly days?: number;
  /** Encrypts the key. */
  readonly passphrase?: string;
}

/** An authority of our own, in a folder that goes with it. */
export class CertificateAuthority implements Disposable {
  readonly cert: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "tranship-ca-"));

  constructor() {
    this.#run(["req", "-x509", ...newKey, "-noenc", "-days", "2", "-subj", "/CN=Test CA", ...files("ca")]);
    this.cert = this.#read("ca.crt");
  }

  issue({ altNames, days = 2, passphrase }: IssueOptions): KeyPair {
    const encryption = passphrase === undefined ? ["-noenc"] : ["-passout", `pass:${passphrase}`];
    const names = ["-addext", `subjectAltName=${altNames}`];
    this.#run([
      "req",
      "-new",
      ...newKey,
      ...encryption,
      "-subj",
      "/CN=leaf",
      ...names,
      "-keyout",
      "leaf.key",
      "-out",
      "leaf.csr",
    ]);
    const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"];
    this.#run(["x509", "-req", "-in", "leaf.csr", ...by, "-days", String(days), "-out", "leaf.crt"]);
    return { cert: this.#read("leaf.crt"), key: this.#read("leaf.key") };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(args: readonly string[]): void {
    execFileSync(openssl, args, { cwd: this.#folder, stdio: "ignore" });
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), "utf8");
  }
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

function files(name: string): string[] {
  return ["-keyout", `${name}.key`, "-out", `${name}.crt`];
}
