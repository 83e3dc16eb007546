import type * as z from "zod";
import { isCredentialKey, wherePasswordsGo } from "./inline-credentials.ts";
import { nearest } from "./nearest.ts";
import { allowedKeys, sectionsWith } from "./schema-keys.ts";
import type { KeyPath } from "./yaml-document.ts";

/** What is wrong with a value or a key of the configuration. */
export interface ConfigFault {
  readonly path: KeyPath;
  /** Which of the two is wrong. */
  readonly part: "key" | "value";
  readonly message: string;
}

type Issue = z.core.$ZodIssue;

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "keys and values",
  record: "keys and values",
};

/** What the schema has to say of `value`, in words of the file. */
export function configFaults(error: z.ZodError, value: unknown): readonly ConfigFault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, [], value));
}

function faultsOfIssue(issue: Issue, before: KeyPath, root: unknown): readonly ConfigFault[] {
  const path = [...before, ...issue.path];
  const fault = (message: string): readonly ConfigFault[] => [{ path, part: "value", message }];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({ path: [...path, key], part: "key", message: unknownKey(key, path) }));
    case "invalid_key":
      return issue.issues.map(({ message }) => ({ path, part: "key", message }));
    case "invalid_union":
      return faultsOfUnion(issue, path, root);
    case "invalid_type":
      return fault(wrongType([issue.expected], valueAt(root, path), path));
    case "invalid_value":
      return fault(
        path.join() === "version" ? "this tranship reads version 1" : wrongValue(issue.values, valueAt(root, path)),
      );
    case "too_small":
      return fault(issue.origin === "number" ? `it has to be at least ${issue.minimum}` : "it is empty");
    case "too_big":
      return fault(`it can be at most ${issue.maximum}`);
    default:
      return fault(issue.message);
  }
}

/** Of several shapes, the one that was meant is that of the right kind: what is wrong with it is told. */
function faultsOfUnion(
  { errors }: Extract<Issue, { readonly code: "invalid_union" }>,
  path: KeyPath,
  root: unknown,
): readonly ConfigFault[] {
  const meant = errors.find((issues) => !issues.some(isOtherKind));
  if (meant) return meant.flatMap((issue) => faultsOfIssue(issue, path, root));
  const expected = errors.flat().flatMap((issue) => {
    if (issue.path.length > 0) return [];
    if (issue.code === "invalid_value") return issue.values.map(String);
    return issue.code === "invalid_type" ? [issue.expected] : [];
  });
  return [{ path, part: "value", message: wrongType(expected, valueAt(root, path), path) }];
}

function isOtherKind({ code, path }: Issue): boolean {
  return path.length === 0 && (code === "invalid_type" || code === "invalid_value");
}

function wrongType(expected: readonly string[], value: unknown, path: KeyPath): string {
  const names = [...new Set(expected.map((one) => typeNames[one] ?? one))].join(" or ");
  if (value === undefined) return "it is missing";
  if (value === null) return `there is nothing here, and it has to be ${names}`;
  const isUnquoted = expected.includes("string") && ["number", "boolean"].includes(typeof value);
  const keys = expected.includes("object") && path.length > 0 ? allowedKeys(path) : [];
  if (keys.length > 0) return `it has to be ${names}: ${keys.join(", ")}`;
  return `it has to be ${names}${isUnquoted ? ": put it in quotes, so that it is taken as it is written" : ""}`;
}

function wrongValue(allowed: readonly unknown[], value: unknown): string {
  const words = allowed.map(String);
  const meant = typeof value === "string" ? nearest(value, words) : undefined;
  return `it has to be ${words.join(" or ")}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** Of a key that nothing knows: what is meant, where it belongs, what there is. */
function unknownKey(key: string, path: KeyPath): string {
  if (isCredentialKey(key, path)) return wherePasswordsGo;
  const allowed = allowedKeys(path);
  const advice = sectionAdvice(key) ?? misspeltAdvice(key, allowed) ?? ".";
  return `there is no such key here${advice} Allowed: ${allowed.join(", ")}`;
}

/** Where the very same key stands. */
function sectionAdvice(key: string): string | undefined {
  const sections = sectionsWith(key);
  if (sections[0] === undefined) return undefined;
  const where = sections.includes("") ? "at the top of the file" : `under ${sections.slice(0, 3).join(" or ")}`;
  return `; it stands ${where}.`;
}

function misspeltAdvice(key: string, allowed: readonly string[]): string | undefined {
  const meant = nearest(key, allowed);
  return meant === undefined ? undefined : `; did you mean ${meant}?`;
}

function valueAt(root: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, step) => (value as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[step],
    root,
  );
}
