import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { closureOf, type InstalledPackage, published, root } from "./closure.ts";

/**
 * Holds what the published packages bring along against `docs/dependencies.md`: each package is in its table with the licence
 * it has, nothing else is, and none runs anything when it is installed, ours neither.
 */
const document = "docs/dependencies.md";

/** What anybody may use, change and pass on as long as the notice stays. */
const licences = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"];

/** Scripts that run where a package is installed. */
const installScripts = ["preinstall", "install", "postinstall", "prepare", "preprepare", "postprepare"];

const closures = published.map(closureOf);
const all = new Map(closures.flatMap((closure) => [...closure]));
const listed = rowsOf(readFileSync(join(root, document), "utf8"));
const faults = [...all.values()].flatMap(faultsOf);
for (const name of listed.keys()) if (!all.has(name)) faults.push(`${name} is in ${document}, and nothing needs it`);
for (const fault of faults) console.error(fault);
console.log(`${document}: ${listed.size} packages of others, ${faults.length} faults`);
if (listed.size === 0) throw new Error("no row was found: the pattern or the document is broken");
if (faults.length > 0) process.exitCode = 1;

function faultsOf({ manifest, folder, isOurs }: InstalledPackage): readonly string[] {
  const { name, license = "none", scripts = {} } = manifest;
  const known = listed.get(name);
  const runs = installScripts.filter((script) => scripts[script] !== undefined);
  return [
    ...(runs.length > 0 && (isOurs || runs.some((script) => !script.endsWith("prepare")))
      ? [`${name} runs something when it is installed: ${runs.join(", ")}`]
      : []),
    ...(existsSync(join(folder, "binding.gyp")) || readdirSync(folder).some((file) => file.endsWith(".node"))
      ? [`${name} is built where it is installed`]
      : []),
    ...(licences.includes(license) ? [] : [`${name} has the licence ${license}`]),
    ...(isOurs || known === license
      ? []
      : [`${document} says ${known ?? "nothing"} of ${name}, its licence is ${license}`]),
  ];
}

/** The licence by the name of each package: the first two columns of tables. */
function rowsOf(text: string): ReadonlyMap<string, string> {
  return new Map(
    [...text.matchAll(/^\| `([^`]+)` \| ([\w.-]+) \|/gm)].map(([, name = "", licence = ""]) => [name, licence]),
  );
}
