import { join } from "node:path";
import { findProgram } from "../../support/tools.ts";
import { command, type Entrant } from "./entrant.ts";

/** The program whose layout of packages ours follows, where this machine has it; it cannot be built from public modules. */
export function d8Entrants(): readonly Entrant[] {
  const path = findProgram("d8");
  if (path === undefined) return [];
  const left = ["--no-platform", "--no-installer", "--no-security-db", "--no-modules"];
  return [
    {
      name: "d8 mirror pull",
      kind: "peer",
      makes: "a bundle, staged and then packed",
      script({ corpus, source, out }) {
        const packages = (corpus.packages ?? []).flatMap((name) => ["--include-package", `${name}@>=1.0.0`]);
        const words = ["mirror", "pull", "--source", `${source}/bench`, "--insecure", ...left, ...packages];
        return `${command(path, ...words, join(out, "bundle"))} >/dev/null`;
      },
    },
  ];
}
