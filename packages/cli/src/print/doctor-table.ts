import type { CheckStatus, Examination, ExaminedCheck } from "@tranship/registry";
import type { Diagnosis } from "../diagnosis/diagnosis.ts";
import { count } from "./size.ts";

const marks: Readonly<Record<CheckStatus, string>> = {
  ok: "ok",
  warning: "WARNING",
  failed: "FAILED",
  "not-asked": "-",
};

/** A check, and of one that failed what may have led to it. */
export interface DiagnosedCheck extends ExaminedCheck, Partial<Pick<Diagnosis, "class" | "causes">> {}

/** What an examination found, for people: a line for what was asked, one for the answer, one for what to do. */
export function doctorTable({
  registry,
  checks,
  left,
}: Pick<Examination, "registry" | "left"> & { readonly checks: readonly DiagnosedCheck[] }): string {
  return [
    registry,
    ...checks.flatMap((check, at) => checkLines(check, isLastOfItsReason(checks, at))),
    ...(left.length === 0 ? [] : [`left behind: ${left.join(", ")}`]),
    summary(checks),
  ].join("\n");
}

/** Of checks in a row that were not asked for the same reason, only the last one gives it. */
function isLastOfItsReason(checks: readonly DiagnosedCheck[], at: number): boolean {
  const [check, next] = [checks[at], checks[at + 1]];
  return check?.status !== "not-asked" || next?.status !== "not-asked" || next.reason !== check.reason;
}

function checkLines(check: DiagnosedCheck, hasReason: boolean): readonly string[] {
  const { status, title, reason, advice, causes = [] } = check;
  return [
    `  ${marks[status].padEnd(8)}${title}`,
    ...(hasReason ? [`          ${reason}`] : []),
    ...(advice === undefined ? [] : [`          -> ${advice}`]),
    ...causes.flatMap(({ cause, advice: what }) => [
      `          * ${cause}`,
      ...what.map((one) => `            -> ${one}`),
    ]),
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
