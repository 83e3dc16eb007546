import { spawn } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuiltProgram, goProgram } from "../../support/go-tools.ts";
import { parseJunit, type SuiteResults } from "./junit.ts";

/** The suite of the distribution specification, built from the version that `go/go.mod` pins. */
export async function buildSuite(): Promise<BuiltProgram> {
  return await goProgram({
    module: fileURLToPath(new URL("go/", import.meta.url)),
    name: "conformance.test",
    build: ["test", "-c", "github.com/opencontainers/distribution-spec/conformance"],
  });
}

/** What the suite is run against. */
export interface SuiteTarget {
  /** The registry's `http://` address. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** Whether a mount that names no repository is carried out all the same; the suite tests one or the other. */
  readonly mountsUnasked: boolean;
  /** `report.html` and `junit.xml` are written here; what was here before goes. */
  readonly reports: string;
}

/** Runs all four workflows of a built suite. What it printed comes back for when something failed. */
export async function runSuite(
  suite: string,
  { url, credentials, mountsUnasked, reports }: SuiteTarget,
): Promise<SuiteResults & { readonly output: string }> {
  await rm(reports, { recursive: true, force: true });
  await mkdir(reports, { recursive: true });
  const env = {
    OCI_ROOT_URL: url,
    OCI_NAMESPACE: "conformance/one",
    OCI_CROSSMOUNT_NAMESPACE: "conformance/two",
    OCI_AUTOMATIC_CROSSMOUNT: mountsUnasked ? "1" : "0",
    OCI_TEST_PULL: "1",
    OCI_TEST_PUSH: "1",
    OCI_TEST_CONTENT_DISCOVERY: "1",
    OCI_TEST_CONTENT_MANAGEMENT: "1",
    OCI_DEBUG: "0",
    OCI_REPORT_DIR: reports,
    ...(credentials ? { OCI_USERNAME: credentials.username, OCI_PASSWORD: credentials.password } : {}),
  };
  const { code, output } = await finished(suite, reports, env);
  const results = parseJunit(await readFile(join(reports, "junit.xml"), "utf8").catch(() => ""));
  if (code === 0 || results.failed.length > 0) return { ...results, output };
  return { ...results, failed: [`the suite ended with ${code}`], output };
}

function finished(
  suite: string,
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env; // nothing else: a proxy or an account of this machine's is not ours to use
    const child = spawn(suite, ["-ginkgo.no-color"], {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
