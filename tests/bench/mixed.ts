import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { type DownloadList, downloadTotals, lockFileName, parseDownloadList } from "@tranship/core";
import { createRegistry, digestHex } from "@tranship/registry";
import { aLayer, anImage, anIndex } from "@tranship/registry/testing";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { pushAll } from "../support/push-all.ts";
import { lacking } from "../support/tools.ts";
import type { Findings } from "./catalog.ts";
import { maxRssBytes, measureTranship, mib, type Usage } from "./measure.ts";

/** A source of as many packages as modules. */
interface MixedSource {
  readonly items: number;
  /** Bytes of the layer each version has of its own. */
  readonly layerBytes: number;
}

interface Row extends MixedSource {
  readonly usage: Usage;
  readonly list: DownloadList;
  /** The mirror of the mirror names the same digests. */
  readonly isSame: boolean;
}

const sources: readonly MixedSource[] = [
  { items: 10, layerBytes: 64 * 1024 },
  { items: 50, layerBytes: 64 * 1024 },
  { items: 200, layerBytes: 64 * 1024 },
  { items: 10, layerBytes: 8 * mib },
];

const versions = [
  ["v1.0.0", "rock-solid"],
  ["v1.0.3", "stable", "lts"],
  ["v1.1.0"],
  ["v1.2.0", "alpha", "beta"],
] as const;

/**
 * Pulls packages and modules with their channels, extra images, inner images and attestations out of Debian's
 * docker-registry, pushes the bundle into another place of it and pulls that: does memory grow with the source, and is
 * anything asked for twice?
 */
export async function benchMixed(): Promise<Findings> {
  const missing = lacking("docker-registry");
  if (missing.length > 0) throw new Error(`this needs ${missing.join(", ")}`);
  const rows: Row[] = [];
  for (const source of sources) {
    await using registry = await startDockerRegistry();
    console.error(`${source.items} packages and modules each, ${source.layerBytes} bytes a version`);
    await publish(`${registry.host}/vendor`, source);
    rows.push({ ...source, ...(await pullThere(registry.host)) });
  }
  return describe(rows);
}

async function pullThere(host: string): Promise<Pick<Row, "usage" | "list" | "isSame">> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-bench-"));
  try {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    const usage = await measureTranship("pull", first, "--source", `${host}/vendor`);
    await measureTranship("push", first, `${host}/mirror`);
    await measureTranship("pull", second, "--source", `${host}/mirror`);
    const [list, again] = [readList(first), readList(second)];
    return { usage, list, isSame: JSON.stringify(digestsOf(list)) === JSON.stringify(digestsOf(again)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readList(folder: string): DownloadList {
  return parseDownloadList(readFileSync(join(folder, lockFileName), "utf8"), folder);
}

/** What lies where, without the name of the source. */
function digestsOf({ archives }: DownloadList): readonly string[] {
  return archives
    .flatMap(({ archive, sections }) =>
      sections.flatMap(({ repositories }) =>
        repositories.flatMap(({ path, images }) => images.map((one) => `${archive} ${path}:${one.tag} ${one.digest}`)),
      ),
    )
    .sort();
}

async function publish(place: string, { items, layerBytes }: MixedSource): Promise<void> {
  await using registry = createRegistry(place);
  const to = (path: string) => registry.repository(path);
  const base = aLayer({ files: { "etc/base": "base" }, seed: "base", size: 5000 });
  const component = anImage({ seed: "component" });
  const scanner = anIndex({ images: [anImage({ seed: "one" }), anImage({ seed: "two" })], tag: "v7" });
  for (const [root, metadata] of [
    ["packages", "version"],
    ["modules", "release"],
  ] as const) {
    for (let at = 0; at < items; at += 1) {
      const name = `${root.slice(0, -1)}-${at}`;
      await pushAll(to(root), anImage({ tag: name }));
      await pushAll(to(`${root}/${name}`), component);
      for (const [version, ...channels] of versions) {
        const files = {
          "images_digests.json": JSON.stringify({ common: { component: component.manifest.descriptor.digest } }),
          "extra_images.json": JSON.stringify({ scanner: "v7" }),
        };
        const lists = aLayer({ files, seed: `${name} ${version}` });
        const own = aLayer({ size: layerBytes, seed: `${name} ${version} own` });
        const main = anImage({ tag: version, layers: [base, own, lists], seed: name });
        const attestation = `sha256-${digestHex(main.manifest.descriptor.digest)}.att`;
        await pushAll(to(`${root}/${name}`), main, anImage({ tag: attestation, seed: `${name} ${version}` }));
        const release = { "version.json": JSON.stringify({ version }), "changelog.yaml": name };
        await pushAll(to(`${root}/${name}/${metadata}`), anImage({ tags: [version, ...channels], files: release }));
      }
      await pushAll(to(`${root}/${name}/extra/scanner`), scanner);
    }
  }
}

function describe(rows: readonly Row[]): Findings {
  const faults = rows.flatMap(({ items, usage, isSame }) => [
    ...(usage.peakRssBytes > maxRssBytes ? [`peak memory with ${items} items is ${usage.peakRssBytes / mib} MiB`] : []),
    ...(isSame ? [] : [`with ${items} items, the mirror of the mirror is another one`]),
  ]);
  const lines = rows.map(({ items, layerBytes, usage, list, isSame }) => {
    const { images, blobs, fetchBytes } = downloadTotals(list);
    const cells = [
      `${items} + ${items}`,
      `${layerBytes / 1024} KiB`,
      images,
      blobs,
      `${Math.round(fetchBytes / mib)} MiB`,
      usage.requests,
      usage.requests - usage.differentRequests,
      `${Math.round(usage.peakRssBytes / mib)} MiB`,
      isSame ? "yes" : "no",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const date = new Date().toISOString().slice(0, 10);
  const text = [
    `### ${date}: packages and modules of docker-registry`,
    "",
    `\`npx -y pnpm@10 bench mixed\`, Node ${process.version}, ${cpus().length} cores, Debian's docker-registry on the same machine. Each item has four versions, channels on three of them, an image inside, an extra image of two platforms and an attestation for each version.`,
    "",
    `| packages + modules | own layer of a version | images | blobs | fetched | requests | asked twice | peak memory, at most ${maxRssBytes / mib} MiB | mirror pulled again, equal digests |`,
    "|---|---|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
  return { text, faults };
}
