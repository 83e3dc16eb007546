import { caseNames } from "./cases.ts";
import type { CaseFigures } from "./figures.ts";
import { limitsOf } from "./limits.ts";
import { caseSection } from "./table.ts";

/** `docs/performance.md`, of the figures there are. */
export function pageOf(all: readonly CaseFigures[]): string {
  const measured = new Set(all.map((figures) => figures.case));
  const lacking = caseNames.filter((name) => !measured.has(name));
  const parts = [
    intro,
    shortcomings(all),
    ...(all.length > 0 ? ["![Speed of every program beside the fastest of the others](performance/plot.svg)"] : []),
    ...all.map((figures) => `## ${titleOf(figures)}\n\n${caseSection(figures)}`),
    ...(lacking.length > 0 ? [`## Not measured yet\n\n${lacking.map((name) => `\`${name}\``).join(", ")}`] : []),
    likeness,
    tried,
    ...(all.some(({ entrants }) => entrants.some(({ name }) => name.startsWith("d8 "))) ? [] : [referencePart]),
    rerun,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** A case in words, without the corpus' description. */
export function titleOf({ case: name, corpus }: CaseFigures): string {
  const [, repeat, kind, tls] = /^(repeat-)?(\w+)-\w(-tls)?$/.exec(name) ?? [];
  const done = {
    pull: "pulled into files",
    push: "pushed into an empty registry",
    sync: "copied from registry to registry",
  };
  const words = kind === "pull" || kind === "push" || kind === "sync" ? done[kind] : name;
  return `${corpus.name} ${words}${tls ? " over TLS" : ""}${repeat ? ", once more, with nothing new" : ""}`;
}

function shortcomings(all: readonly CaseFigures[]): string {
  const limits = all.flatMap((figures) => limitsOf(figures).map((limit) => ({ ...limit, name: figures.case })));
  if (limits.length === 0) return "**Nothing is measured yet**, so nothing is known to hold.";
  const listOf = (some: typeof limits) =>
    some.map(({ name, title, measured, wanted }) => `- \`${name}\`: ${title}: ${measured}, ${wanted}`);
  const short = limits.filter(({ isMet }) => isMet === false);
  const open = limits.filter(({ isMet }) => isMet === undefined);
  return [
    short.length === 0
      ? `${open.length === 0 ? `All ${limits.length}` : limits.length - open.length} limits below hold.`
      : [`**${short.length} of ${limits.length} limits do not hold:**`, "", ...listOf(short)].join("\n"),
    ...(open.length === 0 ? [] : [["**Nothing is known of these:**", "", ...listOf(open)].join("\n")]),
  ].join("\n\n");
}

const intro = `# Performance beside other programs

\`tranship\` as it is published, beside programs that do the same, on one machine, in turns. Times are told as medians with their range, and as ratios: to the fastest of
the other programs, which the head of the column names with its version, and to the ceiling, which is curl with 8 connections that neither looks nor waits. Absolute
times are a property of the machine. This page is made from raw figures, which lie in \`docs/performance\`; [other measurements](benchmarks.md) have a page of their own.`;

const likeness = `## What is compared, and what is not alike

- **Turns.** Everybody once a round, and each round begins with another program. Before a turn the folder it writes to is empty, the registry it writes to is fresh and empty,
  what it will read is in the page cache, and \`sync\` has left nothing to be written. Nobody keeps anything from an earlier turn, but for the repeats.
- **Whole results.** After each turn it is looked at, unmeasured, whether everything arrived: for a pull a file for each digest and the bytes of all, for a push or a copy the digest behind each tag. A peer that
  fails is left out, and named below its table.
- **Who hashes.** Everybody but curl compares each blob with its digest. A push of tranship reads the bundle twice, because it hashes it whole before the first write; \`--trust-bundle\` does not.
- **Who waits for the device.** \`tranship pull\` and \`skopeo copy\` end when what they left is on the device. \`tranship pull --no-sync\`, crane, oras, regctl and curl do not wait.
- **What is left.** tranship leaves a tar archive with every blob once for each repository; the others leave layouts, curl files. tranship and crane fetch everything with one process,
  oras starts one for each repository, skopeo and regctl one for each image: that is what their command lines offer for tags of many repositories.
- **What is left out.** Nobody brings signatures or attestations, of which there are none; \`oras cp -r\` asks for them. Registry and programs share one machine: there is no latency, and the
  registry's work slows everybody. Processor time and memory are those of the program, not of the registry; memory is that of the largest process.
- **Network** is what went over loopback meanwhile, in both directions; **written** is what the kernel counted for the file system of the program and its children.
- **Over TLS** the registry shows a certificate of an authority made for the run; tranship gets it by \`--ca\`, curl by \`--cacert\`, the others in their own way. curl speaks HTTP/1.1, so that it has 8 connections.
- **The repeats** do what was just done again, into what it left: the same folder, the same registry. curl remembers nothing and takes no part.`;

const tried = `## Where the time goes, and what was tried

Two cores are shared with the registry. Of a pull of A, tranship's own work is one core's from the beginning to the end: about 1.7 s of processor time, of which SHA-256 takes 0.5, the kernel's reads and writes 0.55, the
start of the program 0.2; the rest goes into some 560 requests. Of B, the registry itself works 4.2 to 4.9 s for 2,050 requests, about three times as long as tranship. Of C, one stream, curl alone is busy for most of tranship's time.

**Blobs of 16 MiB and more are written past the kernel's cache** (\`O_DIRECT\`), a mebibyte at a time, while the next one comes; a device that takes less than 256 MiB a second gets them through the cache, in the order the kernel likes.
Beside the same program without, in turns: C with everything on the device 2.74 s in place of 3.29, with \`--no-sync\` 2.74 in place of 2.93 (medians of three). Much more is won when the machine has no memory at hand for the cache:
a gibibyte by \`write\` alone took from 1.0 to 3.4 s of processor time here, and 0.2 s past the cache. For the layers of A, 2.4 MiB each, it was tried and left: 2.38 s in place of 2.40, with \`--no-sync\` 2.21 in place of 1.97, and 13 MiB more.

What did not pay, each tried beside what is there, on the same machine in the same hour:

- **Writes through the cache by the thread pool** while the next bytes are hashed, with double buffers: A 25 % more processor time and 13 MiB; C, where only one blob comes, 3.6 s in place of 3.2 s, and 20 % more processor time.
- **Hashing in threads**: A 14 to 36 % slower in prototypes on two cores.
- **More connections, or fewer**: B takes 3.1 s with 8 for blobs and 8 for questions; 3.1 s with 16 and 8, 3.2 s with 8 and 16; 3.5 s with 4 and 4, 3.8 s with 2 and 2.
- **A larger young generation**: with 4 MiB, B takes 9 % less processor time and 7 MiB more memory; with a larger one still, A 13 % less, and 150 MiB altogether. The time does not change while the registry is the limit.
- **Node's compile cache**, beside a program in some thirty files: left out.
- **No question whether a small blob is there** before it is pushed into a new repository: a push that was killed would send it again.
- **As little processor time for a push as oras** takes: with 0.7 s for a gibibyte, about what SHA-256 alone takes here, it can hardly hash what it sends. tranship hashes a bundle before the first write, and once more what goes out, so that what a disk damaged in
  between ends no upload.
- **Less memory** by V8's switches: without its concurrent compiler 2 to 5 MiB less. Of what B takes, 68 MiB are pages of Node's own file, which it shares with every other Node; Node without a program takes 60 MiB altogether.`;

const referencePart = `## Beside \`d8 mirror\`

Not measured. \`d8\` is \`github.com/deckhouse/deckhouse-cli\`, and has to be built; the Go module proxy answered \`403 Forbidden\`, "This module version is not available", to the list of its
versions, to its main branch and to commit \`4c2e288f\`, so that not even its \`go.mod\` could be had. Whether tranship is 5 × as fast as it, and what its push makes of our bundles, is
therefore not known. Where a \`d8\` is on the path, \`bench peers pull-D\` takes it along; that has never been tried. Without it, \`pull-D\` holds the packages of its layout against programs that are told
every image by name and plan nothing.`;

const rerun = `## To measure it again

\`\`\`sh
npx -y pnpm@10 bench peers all --write                       # every case, 5 rounds; on a machine that does nothing else
npx -y pnpm@10 bench peers pull-A push-B --rounds 9 --write  # these: their tables are replaced, the others stay
npx -y pnpm@10 bench peers pull-A --only 'tranship|curl'     # nothing is kept
npx -y pnpm@10 bench peers page                              # this page, from the figures there are
npx -y pnpm@10 bench peers sync-A --scale 0.02 --rounds 1    # layers of a fiftieth: does everything run?
\`\`\`

It needs some 15 GB below the temporary folder, which must be on a disk, and \`docker-registry\`, \`skopeo\`, \`curl\`, \`time\` and \`openssl\`, all from Debian. crane, oras and regctl are built with Go from pinned modules, once; crane, oras and
skopeo of Debian unstable, which have a revision of Debian's in their version, are fetched once and unpacked beside the system. Both lie in \`~/.cache/tranship-tools\`: remove a folder there to get it
anew. Without Go, or without one of the programs, the others are measured, and the page names who is missing. A limit that does not hold makes the command end with 1.`;
