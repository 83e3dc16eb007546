import { command, type Place } from "./entrant.ts";

/** A command of our program. */
export function ownCommand({ program }: Place, ...words: readonly string[]): string {
  return command(process.execPath, program, ...words, "--no-config", "--quiet");
}

/** The flags that ask for all of a corpus, under the names it has at the source. */
export function ownImages({ corpus, source }: Place): readonly string[] {
  if (corpus.packages) {
    const packages = corpus.packages.flatMap((name) => ["--include-package", `${name}@>=1.0.0`]);
    return ["--source", `${source}/bench`, ...packages, "--no-modules", "--referrers", "none"];
  }
  const images = corpus.repositories.flatMap((repository) => ["--image", `${source}/${repository}@*`]);
  return [...images, "--image-path", "strip", "--referrers", "none"];
}
