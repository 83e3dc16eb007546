import { fileURLToPath } from "node:url";
import { command, type Place } from "./entrant.ts";

const cli = fileURLToPath(new URL("../../../packages/cli/program/main.js", import.meta.url));

/** A command of our program, as it is built. */
export function ownCommand(...words: readonly string[]): string {
  return command(process.execPath, cli, ...words, "--no-config", "--quiet");
}

/** The flags that ask for all tags of a corpus, under the names they have at the source. */
export function ownImages({ corpus, source }: Place): readonly string[] {
  const images = corpus.repositories.flatMap((repository) => ["--image", `${source}/${repository}@*`]);
  return [...images, "--image-path", "strip", "--referrers", "none"];
}
