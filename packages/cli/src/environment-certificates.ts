import { X509Certificate } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Environment, firstSet } from "./environment.ts";

/** The longest file that is read for certificates, in bytes: a whole system's are a quarter of it. */
const maxFileBytes = 1024 * 1024;

/** How many files of a folder are read. */
const maxFiles = 2000;

/**
 * Certificates to trust from the folders of `SSL_CERT_DIR`, as PEM. Of `SSL_CERT_FILE` and of a single folder Node's own
 * list of the system's authorities has them already; a list of folders it takes for one name. `warn` takes what cannot be
 * read.
 * @see https://pkg.go.dev/crypto/x509#SystemCertPool
 */
export async function certificatesFromEnvironment(
  environment: Environment,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  const file = firstSet(environment, ["SSL_CERT_FILE"])?.value;
  if (file !== undefined && !(await isReadable(file))) warn(`SSL_CERT_FILE is passed over: ${file} cannot be read`);
  const folders = (firstSet(environment, ["SSL_CERT_DIR"])?.value ?? "").split(delimiter).filter(Boolean);
  if (folders.length < 2) return [];
  const found: string[] = [];
  for (const folder of folders) {
    try {
      for (const name of (await readdir(folder)).sort().slice(0, maxFiles)) {
        const pem = await readCertificates(join(folder, name));
        if (pem !== undefined) found.push(pem);
      }
    } catch {
      warn(`SSL_CERT_DIR is passed over in part: ${folder} cannot be read`);
    }
  }
  return found;
}

async function isReadable(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
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
