import { X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Environment, firstSet } from "./environment.ts";

/** The longest file that is read for certificates, in bytes: a whole system's are a fortieth of it. */
const maxFileBytes = 8 * 1024 * 1024;

/** How many files of a folder are read. */
const maxFiles = 2000;

/**
 * Certificates to trust from `SSL_CERT_FILE` and the folders of `SSL_CERT_DIR`, as PEM; whatever the names of files are.
 * Node goes by these variables in part only: it takes a list of folders for the name of one. `warn` takes what cannot be
 * read.
 * @see https://pkg.go.dev/crypto/x509#SystemCertPool
 */
export async function certificatesFromEnvironment(
  environment: Environment,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  const found: string[] = [];
  const take = (pem: string | undefined) => {
    if (pem !== undefined) found.push(pem);
    return pem !== undefined;
  };
  const file = firstSet(environment, ["SSL_CERT_FILE"])?.value;
  if (file !== undefined && !take(await readCertificates(file)))
    warn(`SSL_CERT_FILE is passed over: ${file} cannot be read, or holds no certificate`);
  const folders = (firstSet(environment, ["SSL_CERT_DIR"])?.value ?? "").split(delimiter).filter(Boolean);
  for (const folder of folders) {
    try {
      for (const name of (await readdir(folder)).sort().slice(0, maxFiles))
        take(await readCertificates(join(folder, name)));
    } catch {
      warn(`SSL_CERT_DIR is passed over in part: ${folder} cannot be read`);
    }
  }
  return found;
}

/** The certificates of a file; `undefined` for one without, as there are among others in such folders. */
async function readCertificates(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    const text = size > maxFileBytes ? "" : await readFile(path, "utf8");
    const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)?.filter(isSound);
    return certificates && certificates.length > 0 ? certificates.join("\n") : undefined;
  } catch {
    return undefined; // a link to nowhere
  }
}

function isSound(pem: string): boolean {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
}
