import type { CheckStatus, Examination, ExaminedCheck } from "@tranship/registry";
import { count } from "./size.ts";

const marks: Readonly<Record<CheckStatus, string>> = {
  ok: "ok",
  warning: "WARNING",
  failed: "FAILED",
  "not-asked": "-",
};

/** What an examination found, for people: a line for what was asked, one for the answer, one for what to do. */
export function doctorTable({ registry, checks, left }: Examination): string {
  return [
    registry,
    ...checks.flatMap(checkLines),
    ...(left.length === 0 ? [] : [`left behind: ${left.join(", ")}`]),
    summary(checks),
  ].join("\n");
}

function checkLines({ status, title, reason, advice }: ExaminedCheck): readonly string[] {
  return [
    `  ${marks[status].padEnd(8)}${title}`,
    `          ${reason}`,
    ...(advice === undefined ? [] : [`          -> ${advice}`]),
  ];
}

function summary(checks: readonly ExaminedCheck[]): string {
  const amount = (status: CheckStatus) => checks.filter((check) => check.status === status).length;
  const [failed, warnings, open] = [amount("failed"), amount("warning"), amount("not-asked")];
  const rest = open === 0 ? "" : `, ${open} not asked`;
  if (failed > 0) return `${count(failed, "check")} failed, ${count(warnings, "warning")}${rest}`;
  if (warnings > 0) return `it works, with ${count(warnings, "warning")}${rest}`;
  return `all is well${rest}`;
}
