import type * as z from "zod";
import type { DepsError } from "../errors.ts";
import { unreadable } from "../json.ts";

type Issue = z.core.$ZodIssue;

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  array: "a list",
  object: "keys and values",
  record: "keys and values",
};

/** What the schema has to say of a manifest: the first thing, with the key at fault. */
export function manifestFault(error: z.ZodError, manifest: string): DepsError {
  const [issue] = error.issues;
  if (issue === undefined) return unreadable(manifest, "", "it is no manifest");
  const { path, reason } = told(issue, []);
  return unreadable(manifest, formatKeyPath(path), reason);
}

/** Such as `items[3].git.url`; a key that is not one plain word is quoted. */
export function formatKeyPath(path: readonly PropertyKey[]): string {
  return path
    .map((step, at) => {
      if (typeof step === "number") return `[${step}]`;
      const key = String(step);
      if (!/^[A-Za-z0-9_-]+$/.test(key)) return `[${JSON.stringify(key.slice(0, 100))}]`;
      return at === 0 ? key : `.${key}`;
    })
    .join("");
}

function told(issue: Issue, before: readonly PropertyKey[]): { path: readonly PropertyKey[]; reason: string } {
  const path = [...before, ...issue.path];
  const fault = (reason: string) => ({ path, reason });
  switch (issue.code) {
    case "unrecognized_keys":
      return { path: [...path, issue.keys[0] ?? ""], reason: "there is no such key" };
    case "invalid_key":
      return fault(issue.issues[0]?.message ?? "it is no name");
    case "invalid_union": {
      const below = issue.errors.map(([first]) => first).find((one) => one !== undefined && one.path.length > 0);
      return below ? told(below, path) : fault("it is neither text nor what else it may be");
    }
    case "invalid_type":
      if (issue.input === undefined && issue.message.includes("undefined")) return fault("it is missing");
      return fault(`it has to be ${typeNames[issue.expected] ?? issue.expected}`);
    case "invalid_value":
      return fault(`it has to be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`);
    case "too_small":
      return fault(issue.origin === "number" ? "it has to be above 0" : "it is empty");
    case "too_big":
      return fault(issue.origin === "number" ? "it is too large" : `it is longer than ${issue.maximum}`);
    default:
      return fault(issue.message);
  }
}
