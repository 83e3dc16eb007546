import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A package of others that is part of the program. */
export interface ThirdParty {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
  /** The text its licence asks to be kept. */
  readonly text: string;
}

const inPackage = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//;
const licenseFile = /^(licen[cs]e|copying)([.-][\w.-]+)?$/i;

/** The packages that modules of these paths come from, by name. @throws Error when one has no licence */
export function thirdParties(modules: Iterable<string>): readonly ThirdParty[] {
  const folders = new Set([...modules].flatMap((path) => inPackage.exec(path)?.[1] ?? []));
  return [...folders].map(readPackage).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** All of their licences as one text. */
export function licensesText(parties: readonly ThirdParty[]): string {
  const parts = parties.map(
    ({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text.trim()}\n`,
  );
  const head = "This program contains the following packages, under their own licences.\n";
  return [head, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}

function readPackage(folder: string): ThirdParty {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as ThirdParty;
  const file = readdirSync(folder).find((one) => licenseFile.test(one));
  if (file === undefined || !license) throw new Error(`${name} has no licence in ${dirname(folder)}`);
  return { name, version, license, text: readFileSync(join(folder, file), "utf8") };
}
