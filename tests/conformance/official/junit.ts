/** What a suite found, by the names of its specs. */
export interface SuiteResults {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
}

/** Reads the report that both suites write: one `testcase` a spec, its outcome in `status`. `[AfterSuite]` is no spec. */
export function parseJunit(xml: string): SuiteResults {
  const cases = [...xml.matchAll(/<testcase name="(?:\[It\] )?([^"[][^"]*)"[^>]* status="([^"]*)"/g)].map(
    ([, name = "", status = ""]) => ({ name: nameOf(name), status }),
  );
  const named = (isWanted: (status: string) => boolean) =>
    cases.filter(({ status }) => isWanted(status)).map(({ name }) => name);
  return {
    passed: named((status) => status === "passed"),
    skipped: named((status) => status === "skipped"),
    failed: named((status) => status !== "passed" && status !== "skipped"), // panicked and timedout, too
  };
}

function nameOf(attribute: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&#34;": '"',
    "&#39;": "'",
  };
  const name = attribute.replaceAll(/&[^;]+;/g, (entity) => entities[entity] ?? entity);
  return name.replace(/^OCI Distribution Conformance Tests |^OCI Conformance Test\//, "");
}
