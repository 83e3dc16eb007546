import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

const pageBytes = 4096;
const headerBytes = 512;

type Random = () => number;

/**
 * Does to the folder of an unfinished pull what a power cut may do to a process that was just killed: pages and lengths that
 * were not flushed are lost, headers are torn, names are the old ones again, and the journal ends anywhere. Tells what it
 * did.
 */
export function losePower(folder: string, random: Random): readonly string[] {
  const done: string[] = [];
  const isFinished = existsSync(join(folder, "tranship.lock.json"));
  if (!isFinished) done.push(...loseRenames(folder, random));
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(".partial")) continue;
    const damages = pick(random, [dropFile, loseTail, losePages, tearHeader, losePages, () => "nothing"]);
    done.push(`${name}: ${damages(join(folder, name), random)}`);
  }
  const journal = join(folder, ".tranship", "plan.ndjson");
  if (existsSync(journal)) done.push(`plan.ndjson: ${damageJournal(journal, random)}`);
  return done;
}

/** Names that were not flushed are the old ones; a first chunk gets its name after the others, and loses it before them. */
function loseRenames(folder: string, random: Random): readonly string[] {
  const done: string[] = [];
  const lose = (name: string) => {
    renameSync(join(folder, name), join(folder, `${name}.partial`));
    done.push(`${name}: renamed back`);
  };
  const names = readdirSync(folder);
  for (const name of names) {
    if (name.endsWith(".tar") && random() < 0.3) lose(name);
    if (!name.endsWith(".tar.0000.chunk") || random() >= 0.3) continue;
    lose(name);
    const archive = name.slice(0, -".0000.chunk".length);
    const others = names.filter((other) => other.startsWith(`${archive}.`) && other.endsWith(".chunk"));
    for (const other of others) if (other !== name && random() < 0.5) lose(other);
  }
  return done;
}

function dropFile(path: string): string {
  rmSync(path);
  return "gone";
}

function loseTail(path: string, random: Random): string {
  const size = Math.floor(random() * statSync(path).size);
  truncateSync(path, size);
  return `cut to ${size}`;
}

function losePages(path: string, random: Random): string {
  const pages = Math.ceil(statSync(path).size / pageBytes);
  const lost = Array.from({ length: 1 + Math.floor(random() * 5) }, () => {
    const first = Math.floor(random() * pages);
    const count = 1 + Math.floor(random() * random() * (pages - first));
    overwrite(path, first * pageBytes, Buffer.alloc(count * pageBytes));
    return `${first}+${count}`;
  });
  return `pages ${lost.join(", ")} zero`;
}

function tearHeader(path: string, random: Random): string {
  const at = Math.floor((random() * statSync(path).size) / headerBytes) * headerBytes;
  const torn = Buffer.from(Array.from({ length: 1 + Math.floor(random() * headerBytes) }, () => random() * 256));
  overwrite(path, at, torn);
  return `${torn.byteLength} random bytes at ${at}`;
}

/** Writes over what is there, never beyond its end. */
function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const length = Math.max(0, Math.min(bytes.byteLength, statSync(path).size - offset));
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, length, offset);
  closeSync(descriptor);
}

function damageJournal(path: string, random: Random): string {
  const { size } = statSync(path);
  const at = random() < 0.3 ? size : Math.floor(random() * size);
  const bytes = readFileSync(path).subarray(0, at);
  const zeros = random() < 0.3 ? Math.floor(random() * pageBytes) : 0;
  writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(zeros)]));
  return `cut to ${at} of ${size} bytes, ${zeros} zeros behind`;
}

function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
