import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Enums, Models, Serialize, Spec, Validation } from "@cyclonedx/cyclonedx-library";
import { parse } from "yaml";
import { closureOf, type InstalledPackage, published, root } from "./closure.ts";

/**
 * Writes a bill of materials for each published package, `reports/sbom/NAME-VERSION.cdx.json`, in CycloneDX 1.6: what it
 * brings along or, of the program, what is inside, with versions, licences and the sums that pnpm has pinned. Each is held
 * against the schema. The same sources give the same bytes.
 */
const folder = join(root, "reports/sbom");
const sums = pinnedSums();

mkdirSync(folder, { recursive: true });
for (const name of published) {
  const text = formatBill(closureOf(name));
  const fault = await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text);
  if (fault !== null) throw new Error(`the bill of ${name} is not CycloneDX 1.6: ${JSON.stringify(fault)}`);
  const { metadata, components } = JSON.parse(text) as {
    readonly metadata: { readonly component: { readonly version: string } };
    readonly components: readonly unknown[];
  };
  const file = `tranship-${name}-${metadata.component.version}.cdx.json`;
  writeFileSync(join(folder, file), `${text}\n`);
  console.log(`reports/sbom/${file}: ${components.length} components, valid`);
}

function formatBill(closure: ReadonlyMap<string, InstalledPackage>): string {
  const components = new Map([...closure].map(([name, installed]) => [name, componentOf(installed)]));
  for (const [name, { needs }] of closure) {
    for (const need of needs) {
      const [from, to] = [components.get(name), components.get(need)];
      if (from !== undefined && to !== undefined) from.dependencies.add(to.bomRef);
    }
  }
  const [own, ...others] = components.values();
  const bill = new Models.Bom({ metadata: new Models.Metadata({ component: own }) });
  for (const component of others) bill.components.add(component);
  const factory = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6);
  return new Serialize.JsonSerializer(factory).serialize(bill, { sortLists: true, space: 2 });
}

function componentOf({ manifest, isOurs }: InstalledPackage): Models.Component {
  const { name, version, license, description, repository } = manifest;
  const [group, short] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const isProgram = name === "@tranship/cli";
  const component = new Models.Component(
    isProgram ? Enums.ComponentType.Application : Enums.ComponentType.Library,
    short ?? name,
    { bomRef: purl, purl, version, ...(group && { group }), ...(description && { description }) },
  );
  if (license) component.licenses.add(new Models.SpdxLicense(license));
  const sum = sums.get(`${name}@${version}`);
  if (sum !== undefined) component.hashes.set(Enums.HashAlgorithm["SHA-512"], sum);
  else if (!isOurs) throw new Error(`${name}@${version} has no sum in pnpm-lock.yaml`);
  const url = typeof repository === "string" ? repository : repository?.url;
  if (url !== undefined && /^(git\+)?https:/.test(url)) {
    const at = url.replace(/^git\+/, "");
    component.externalReferences.add(new Models.ExternalReference(at, Enums.ExternalReferenceType.VCS));
  }
  return component;
}

/** The SHA-512 of each package's archive, in hexadecimal digits, by `NAME@VERSION`. */
function pinnedSums(): ReadonlyMap<string, string> {
  const lock = parse(readFileSync(join(root, "pnpm-lock.yaml"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>;
  };
  return new Map(
    Object.entries(lock.packages).flatMap(([name, { resolution }]) => {
      const [, sum] = /^sha512-(.+)$/.exec(resolution?.integrity ?? "") ?? [];
      return sum === undefined ? [] : [[name, Buffer.from(sum, "base64").toString("hex")] as const];
    }),
  );
}
