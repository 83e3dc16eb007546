import type { Comparison, Exception } from "./compare.ts";
import { directoryToleranceNs } from "./prove-image.ts";
import type { RandomProof } from "./random-proof.ts";
import type { Making } from "./reproduce.ts";

/** What was found of one image. */
export interface Proof {
  readonly title: string;
  readonly comparisons: readonly Comparison[];
  readonly makings: readonly Making[];
}

/** Everything the page tells. */
export interface ProofPage {
  readonly proofs: readonly Proof[];
  readonly random: RandomProof & { readonly runs: number; readonly seed: number };
  readonly exceptions: readonly Exception[];
  readonly versions: readonly string[];
}

/** The page `docs/rootfs-proof.md`. */
export function proofPage({ proofs, random, exceptions, versions }: ProofPage): string {
  return `# Root file systems, proven by others

\`npx -y pnpm@10 interop:rootfs --write\` unpacks images with umoci and compares what it finds with what
\`@tranship/core/rootfs\` makes of the same images: type, mode, owner, size, SHA-256 of the content, link target, device
number, which names share an inode, extended attributes and modification time of every path. None of the reading is ours:
directories are read with \`lstat\` and \`getfattr\`, archives are unpacked by GNU tar first, ext4 images are read by
\`debugfs\` and, mounted read-only, by the kernel, after \`e2fsck -fn\` found nothing in them. The one image with everything
rare is held against umoci in every run of the tests too; a test beside it plants differences and sees that each is found.

The last runs used ${versions.join("; ")}.

## Trees

| image | what was compared with umoci's tree | paths | differences | excepted |
| --- | --- | --- | --- | --- |
${proofs.flatMap(comparisonRows).join("\n")}

Times in a directory may be 300 nanoseconds off, or 1.3 microseconds with Node 22, as \`writeDirectory\` says; here ${directoryToleranceNs} are allowed; everywhere else they are exact.

## What umoci does otherwise

Exactly these differences are excepted, all of them in the image of everything rare, and each has to show:

| path | field | ours | umoci 0.4.7 | why |
| --- | --- | --- | --- | --- |
${exceptions.map(exceptionRow).join("\n")}

## Random layers

${random.runs} random images of two to four layers over few names, from seed ${random.seed} on: whiteouts, opaque
directories, links, hard links and changes of type that meet each other. ${random.same} trees were the same in everything;
${random.known} differed in nothing but the times umoci takes from the clock, and in directories that an opaque whiteout
hides and no entry brings back, whose lower metadata umoci keeps; ${random.refused} were refused by both, as paths went
through files or links ended nowhere; ${random.onlyUmociRefuses} were refused by umoci alone, which removes a name before
it links it to itself. None was another tree, and none was refused by us alone.

## The same bytes

Every ext4 image was made ${proofs[0]?.makings.length ?? 0} times, by programs of their own: ${listOf(proofs[0]?.makings ?? [])}.

| image | size in MiB | made | different checksums |
| --- | --- | --- | --- |
${proofs.map(makingRow).join("\n")}
`;
}

function comparisonRows({ title, comparisons }: Proof): readonly string[] {
  return comparisons.map(
    ({ left, paths, wrong, excepted }) => `| ${title} | ${left} | ${paths} | ${wrong.length} | ${excepted} |`,
  );
}

function exceptionRow({ path, field, left, right, because }: Exception): string {
  return `| \`${path}\` | ${field} | ${shortened(left)} | ${shortened(right)} | ${because} |`;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function makingRow({ title, makings }: Proof): string {
  const sums = new Set(makings.map(({ sha256 }) => sha256));
  return `| ${title} | ${(makings[0]?.sizeBytes ?? 0) / 2 ** 20} | ${makings.length} | ${sums.size} |`;
}

function listOf(makings: readonly Making[]): string {
  return makings.map(({ how }) => how).join("; ");
}
