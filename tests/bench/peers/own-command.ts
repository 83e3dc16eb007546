import { command, type Place } from "./entrant.ts";

/** A command of our program. */
export function ownCommand({ program }: Place, ...words: readonly string[]): string {
  return command(process.execPath, program, ...words, "--no-config", "--quiet");
}

/** The flags that ask for all tags of a corpus, under the names they have at the source. */
export function ownImages({ corpus, source }: Place): readonly string[] {
  const images = corpus.repositories.flatMap((repository) => ["--image", `${source}/${repository}@*`]);
  return [...images, "--image-path", "strip", "--referrers", "none"];
}
