import { isMirrorError } from "@tranship/core";
import { ConfigError, faultLines } from "../config/config-error.ts";
import {
  accessDeniedFinding,
  authenticationFinding,
  imageNotFoundFinding,
  notRegistryFinding,
  rateLimitedFinding,
  repositoryNotFoundFinding,
  requestRefusedFinding,
  serverErrorFinding,
} from "./answer-failures.ts";
import { type CommandWords, wordsFor } from "./command-words.ts";
import { depsFinding } from "./deps-failures.ts";
import type { Diagnosis, Finding, PossibleCause } from "./diagnosis.ts";
import { type FailureFacts, factsOf } from "./failure-facts.ts";
import { diskFullFinding, listenFinding, permissionFinding } from "./local-failures.ts";
import {
  connectionEndedFinding,
  dnsFinding,
  networkFinding,
  proxyFinding,
  timeoutFinding,
} from "./network-failures.ts";
import { fileFinding, mirrorFinding, registryFinding } from "./own-failures.ts";
import { redact } from "./redact.ts";
import { rootfsFinding } from "./rootfs-failures.ts";
import { tlsFinding } from "./tls-failures.ts";

/** The first that knows the failure decides. */
const classes: readonly ((facts: FailureFacts) => Finding | undefined)[] = [
  depsFinding, // first: what lies below speaks of bundles
  mirrorFinding,
  rootfsFinding,
  listenFinding,
  proxyFinding,
  connectionEndedFinding,
  tlsFinding,
  authenticationFinding,
  accessDeniedFinding,
  rateLimitedFinding,
  serverErrorFinding,
  dnsFinding,
  timeoutFinding,
  diskFullFinding,
  permissionFinding,
  networkFinding,
  imageNotFoundFinding,
  repositoryNotFoundFinding,
  registryFinding,
  notRegistryFinding,
  requestRefusedFinding,
  fileFinding,
];

/** What to tell about any error that ended `command`: its class, what may have led to it, and what may help. */
export function diagnose(error: unknown, command?: string): Diagnosis {
  const facts = factsOf(error, wordsFor(command, sideOf(error)));
  const told = {
    code: codeOf(error),
    message: redact(error instanceof Error ? error.message : String(error)),
    chain: facts.errors.length === 0 ? [redact(String(error))] : chainOf(facts.errors),
    details: (error as { readonly details?: unknown } | undefined)?.details,
  };
  const whole = { ...told, chain: [told.message] };
  const { name } = facts.errors[0] ?? {};
  // these say in one line what is to be done
  if (name === "UsageError") return { ...whole, class: "usage", causes: [] };
  if (error instanceof ConfigError) return { ...whole, class: "configuration", causes: faultCauses(error) };
  if (isMirrorError(error, "SELECTION_INVALID")) return { ...whole, class: "selection", causes: [] };
  if (name === "Interruption") return { ...whole, class: "interrupted", causes: [] };
  for (const find of classes) {
    const finding = find(facts);
    if (finding) return { ...told, ...finding, causes: finding.causes.map((one) => inWordsOf(one, facts.words)) };
  }
  return { ...told, class: "unknown", causes: [] };
}

/** Advice says `--insecure` and its like of the only registry of a command; where there are two, their names differ. */
function inWordsOf({ cause, advice }: PossibleCause, { trustFlags, configured }: CommandWords): PossibleCause {
  const named = (text: string) =>
    text.replace(
      /--(insecure|tls-skip-verify|client-cert|client-key|registry-login)\b( FILE)?/g,
      (_flag, name: string, file = "") =>
        configured[`--${name}`] ?? `${name === "registry-login" ? "--" : trustFlags}${name}${file}`,
    );
  return { cause: named(cause), advice: advice.map(named) };
}

/** One fault is told by the message; of several, each is a cause. */
function faultCauses(error: ConfigError): Diagnosis["causes"] {
  const lines = faultLines(error);
  return lines.length > 1 ? lines.map((line) => ({ cause: redact(line), advice: [] })) : [];
}

/** Of which side of a copy it tells, where it does. */
function sideOf(error: unknown): string | undefined {
  return isMirrorError(error, "TRANSFER_FAILED") ? error.details.side : undefined;
}

function codeOf(error: unknown): string {
  if (error instanceof Error && error.name === "UsageError") return "USAGE";
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "UNKNOWN";
}

/** Messages from the outside in: one that ends with the next is cut there, and one that says nothing new is left out. */
function chainOf(errors: readonly Error[]): readonly string[] {
  const messages = errors.map(({ message }) => redact(message)).filter((message) => message !== "");
  const chain: string[] = [];
  for (const [at, message] of messages.entries()) {
    const next = messages.slice(at + 1).find((below) => message !== below && message.includes(below));
    const own = next === undefined ? message : without(message, `: ${next}`);
    if (!chain.some((above) => above.includes(own))) chain.push(own);
  }
  return chain;
}

function without(message: string, end: string): string {
  return message.endsWith(end) ? message.slice(0, -end.length) : message;
}
