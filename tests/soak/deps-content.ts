import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { aBlob, aLayer, anImage, type BuiltBlob, type BuiltImage } from "@tranship/registry/testing";
import { seededRandom } from "../support/random.ts";

/** How much of each there is. */
export interface DepsContentOptions {
  readonly seed: number;
  readonly files: number;
  readonly images: number;
  readonly charts: number;
  readonly seeds: number;
  /** The longest file, in bytes; the shortest has 1 KiB. */
  readonly maxFileBytes: number;
}

/** A file and what is said of it. */
export interface NamedBlob {
  readonly name: string;
  readonly blob: BuiltBlob;
}

/** An image and where it is. */
export interface NamedImage {
  readonly name: string;
  readonly image: BuiltImage;
}

/** All that is published in one generation. */
export interface DepsContent {
  readonly files: readonly NamedBlob[];
  readonly seeds: readonly NamedBlob[];
  readonly images: readonly NamedImage[];
  readonly charts: readonly NamedImage[];
}

const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/** The content of a generation: of four files, images and charts three are others than in the one before, and all seeds are. */
export function depsContent(options: DepsContentOptions, generation: number): DepsContent {
  const random = seededRandom(options.seed);
  const sizeUpTo = (most: number) => Math.round(1024 * (most / 1024) ** random()); // as many small ones as large ones
  const seedOf = (what: string, at: number) => `${options.seed} ${what} ${at} ${at % 4 === 3 ? 1 : generation}`;
  const list = <Value>(count: number, make: (at: number) => Value) =>
    Array.from({ length: count }, (_, at) => make(at));
  const image = (what: string, at: number, layers: readonly BuiltBlob[]) => ({
    name: `${what}-${at}`,
    image: anImage({ tag: "v1", seed: seedOf(what, at), layers }),
  });
  const shared = list(4, (at) => aLayer({ size: 100_000, seed: `${options.seed} base ${at}`, gzip: false }));
  return {
    files: list(options.files, (at) => ({
      name: `file-${at}`,
      blob: aBlob({ size: sizeUpTo(options.maxFileBytes), seed: seedOf("file", at) }),
    })),
    seeds: list(options.seeds, (at) => ({
      name: `seed-${at}`,
      blob: aBlob({ size: sizeUpTo(options.maxFileBytes), seed: `${options.seed} seed ${at} ${generation}` }),
    })),
    images: list(options.images, (at) => {
      const own = aLayer({ size: sizeUpTo(options.maxFileBytes), seed: seedOf("layer", at), gzip: false });
      return image("image", at, [shared[at % shared.length] as BuiltBlob, own]);
    }),
    charts: list(options.charts, (at) => {
      const content = aLayer({
        files: { "c/Chart.yaml": chartYaml(`chart-${at}`, "1.0.0") },
        seed: seedOf("chart", at),
      });
      const packed = aBlob({ content: content.bytes, mediaType: chartLayer });
      return image("chart", at, [{ ...packed, mediaType: chartLayer }]);
    }),
  };
}

/** What a manifest says of a file. */
export function fileRow(url: string, { digest, size }: BuiltBlob) {
  return { version: "1", url, type: "binary", digest, size };
}

/** What a manifest says of an image. */
export function imageRow(host: string, { name, image }: NamedImage) {
  const { descriptor } = image.manifest;
  const size = image.blobs.reduce((sum, blob) => sum + blob.size, descriptor.size);
  return { image: `${host}/soak/${name}:v1`, digest: descriptor.digest, size, platform: "linux/amd64" };
}

/** Of a file, as seeds are named: by SHA-512. */
export function seedRow(url: string, { bytes, size }: BuiltBlob) {
  return { url, size, digest: digestOf(bytes, "sha512") };
}

function chartYaml(name: string, version: string): string {
  return `apiVersion: v2\nname: ${name}\nversion: ${version}\n`;
}

/** Writes the folder of a chart; one of each generation is another. */
export function writeChart(folder: string, name: string, generation: number): void {
  mkdirSync(join(folder, "templates"), { recursive: true });
  writeFileSync(join(folder, "Chart.yaml"), chartYaml(name, `${generation}.0.0`));
  writeFileSync(join(folder, "values.yaml"), `generation: ${generation}\n`);
  writeFileSync(join(folder, "templates", "map.yaml"), `kind: ConfigMap\nname: ${name}\n`.repeat(200));
}

/** The files of a bare repository with the tags `v1` to that of the generation, for servers that know nothing of git. */
export function gitFiles(bytes: number, generation: number): ReadonlyMap<string, Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-git-"));
  const environment = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", ...identity };
  const git = (...words: string[]) =>
    execFileSync("git", words, { cwd: folder, env: environment, stdio: ["ignore", "pipe", "inherit"] });
  try {
    git("init", "-q", "--bare", "-b", "main", ".");
    let parent: string | undefined;
    for (let at = 1; at <= generation; at += 1) {
      const file = join(folder, "content");
      writeFileSync(file, aBlob({ size: bytes, seed: `git ${at}` }).bytes);
      const blob = text(git("hash-object", "-w", file));
      rmSync(file);
      const tree = text(
        execFileSync("git", ["mktree"], { cwd: folder, env: environment, input: `100644 blob ${blob}\tc\n` }),
      );
      parent = text(git("commit-tree", "-m", `v${at}`, ...(parent === undefined ? [] : ["-p", parent]), tree));
      git("tag", `v${at}`, parent);
    }
    git("update-ref", "refs/heads/main", parent ?? "");
    git("repack", "-adq");
    git("update-server-info");
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path.slice(folder.length + 1), readFileSync(path)];
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const when = "2026-01-01T00:00:00Z";
const identity = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_AUTHOR_DATE: when,
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_COMMITTER_DATE: when,
};

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8").trim();
}
