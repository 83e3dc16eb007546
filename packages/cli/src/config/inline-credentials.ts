import type { KeyPath } from "./yaml-document.ts";

/** What is told whoever writes a password into the file. */
export const wherePasswordsGo: string =
  "no user name, password or token stands in this file: write where it is found, under the registry, as " +
  "credentials: { env: { username: VARIABLE, password: VARIABLE } }, credentials: { file: PATH } or credentials: { docker: true }";

/** Whether a key that is not known is most likely for what must not be in the file. */
export function isCredentialKey(key: string, path: KeyPath): boolean {
  const plain = key.toLowerCase().replace(/[-_]/g, "");
  if (path.at(-1) === "env") return false; // there, names of variables stand
  return /^(?:registry|source|target)?(?:auth|login|licen[cs]e|licensetoken|passwd|password|pass|secret|token|user|username)$/.test(
    plain,
  );
}
