import type { Finding } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

const full = ["NO_SPACE", "ENOSPC", "EDQUOT"];
const forbidden = ["EACCES", "EPERM", "EROFS"];

/** The file system takes no more. */
export function diskFullFinding({ reasons, words, mirror, rootfs, deps }: FailureFacts): Finding | undefined {
  if (!full.some((code) => reasons.has(code))) return undefined;
  const { path } = ((mirror ?? rootfs ?? deps)?.details ?? {}) as { readonly path?: unknown };
  return {
    class: "disk-full",
    category: `the disk is full${typeof path === "string" && path !== "" ? ` (${path})` : ""}`,
    causes: [
      {
        cause: "the file system has less room than this needs",
        advice: [
          `free some space and ${words.again}`,
          ...(words.writesBundle && !words.readsBundle ? ["`tranship plan` shows beforehand how much it will be"] : []),
        ],
      },
      ...(reasons.has("EDQUOT")
        ? [{ cause: "this user's share is used up", advice: ["ask the administrator for a larger quota"] }]
        : []),
    ],
  };
}

/** This user may not do that with a file here. */
export function permissionFinding({ reasons, errors, words, registry }: FailureFacts): Finding | undefined {
  if (registry !== undefined) return undefined; // not of a file here
  const code = forbidden.find((one) => reasons.has(one));
  if (code === undefined || errors.some(({ name }) => name === "ListenError")) return undefined;
  if (code === "EROFS") {
    return {
      class: "permission",
      category: "the file system is read-only",
      causes: [{ cause: "it is mounted so, or the medium is", advice: ["give a folder that can be written"] }],
    };
  }
  const isWritten = words.writesBundle || errors.some((error) => (error as NodeJS.ErrnoException).syscall === "mkdir");
  return {
    class: "permission",
    category: "permission denied",
    causes: [
      {
        cause: "this user may not use the file or folder",
        advice: [
          ...(isWritten ? ["give a folder this user may write, or run as the user who owns it"] : []),
          ...(words.readsBundle && !isWritten ? ["let this user read the bundle's folder and its files"] : []),
          `look at its rights and its owner: ${listing(errors)}`,
        ],
      },
    ],
  };
}

/** The command that shows a file; it names the file where a shell takes its name as it is. */
export function listing(errors: readonly Error[]): string {
  const path = errors.map((error) => (error as NodeJS.ErrnoException).path).find((one) => typeof one === "string");
  return path !== undefined && /^[\w./+][\w./+-]*$/.test(path) ? `\`ls -ld ${path}\`` : "`ls -ld`";
}

const listenAdvice: Readonly<Record<string, string>> = {
  EADDRINUSE: "stop it, or give --listen another port; port 0 takes a free one",
  EADDRNOTAVAIL: "give --listen an address of this machine, or :PORT for all of them",
  EACCES: "ports below 1024 are the administrator's on most systems; give --listen a higher one",
  ENOTFOUND: "give --listen an address of this machine, or :PORT for all of them",
};

/** An address that cannot be listened on. */
export function listenFinding({ errors }: FailureFacts): Finding | undefined {
  const error = errors.find(({ name }) => name === "ListenError") as { readonly code?: string } | undefined;
  if (!error) return undefined;
  const advice = listenAdvice[error.code ?? ""] ?? "give --listen another address or port";
  return {
    class: "listen",
    category: "the address cannot be listened on",
    causes: [{ cause: "the address or port is not to be had", advice: [advice] }],
  };
}
