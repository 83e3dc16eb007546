import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  Bundle,
  BundleDirectory,
  type BundleDirectoryOptions,
  type CatalogServiceOptions,
  type DownloadList,
  inventoryOf,
  listPlanner,
  type MirrorEvent,
  PackagesService,
  type Planner,
  type PullOptions,
  plan,
  pull,
  pushBundle,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, type Descriptor, type Digest, digestHex, digestOf, referrersTag } from "@tranship/registry";
import { anArtifact, anImage, anIndex, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { digests, readPlan } from "../support/mirror.ts";
import { pushAll } from "../support/push-all.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const platforms = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const children = platforms.map((platform) => anImage({ seed: platform.architecture, platform }));
const index = anIndex({ tag: "v1.0.0", images: children, platforms });

/** What cosign calls the things it hangs on a manifest. */
const hanging = (to: { readonly manifest: typeof index.manifest }, suffix: string) =>
  `sha256-${digestHex(to.manifest.descriptor.digest)}.${suffix}`;
const signing = (subject: { readonly manifest: typeof index.manifest }, by: string) =>
  anArtifact({ subject, artifactType: "application/vnd.example.signature", annotations: { by } });

const signatures = children.map((child) => anImage({ tag: hanging(child, "sig"), seed: hanging(child, "sig") }));
const referrers = [...children, index].map((subject, at) => signing(subject, `signer ${at}`));
const attestation = anArtifact({ subject: index, artifactType: "application/vnd.openvex+json" });
const onAttestation = signing(attestation, "a signer of statements");
const subjects = [index, ...children, attestation].map(({ manifest }) => manifest.descriptor.digest);

type Started = AsyncDisposable & { readonly host: string };

const kinds: readonly { readonly kind: string; readonly start: () => Promise<Started> }[] = [
  { kind: "a registry that lists referrers", start: () => startTestRegistry() },
  { kind: "docker-registry, which does not", start: startDockerRegistry },
];

const rootOf = (host: string) => createRegistry(`${host}/fe`, { retryDelayMs: 1 });

/** Publishes a signed package. */
async function publish(host: string): Promise<void> {
  await using registry = rootOf(host);
  await pushAll(registry.repository("packages"), anImage({ tag: "app" }));
  await pushAll(registry.repository("packages/app/version"), anImage({ tag: "v1.0.0" }));
  const attached = [...signatures, ...referrers, attestation, onAttestation];
  await pushAll(registry.repository("packages/app"), index, ...attached);
}

async function aPublisher(start: () => Promise<Started> = () => startTestRegistry()): Promise<Started> {
  const source = await start();
  await publish(source.host);
  return source;
}

const planOf = async (host: string, options: Partial<CatalogServiceOptions> = {}): Promise<DownloadList> => {
  await using source = rootOf(host);
  return await plan([new PackagesService({ source, include: ["app@=v1.0.0"], ...options })]);
};

/** Pulls into a folder: what a plan says, or the package. */
async function pulled(
  host: string,
  folder: string,
  {
    list,
    platforms: only,
    ...options
  }: Omit<PullOptions, "to"> &
    BundleDirectoryOptions & { readonly list?: DownloadList; readonly platforms?: readonly string[] } = {},
) {
  await using source = rootOf(host);
  await using bundle = await BundleDirectory.open(folder, options);
  const service = new PackagesService({ source, include: ["app@=v1.0.0"], platforms: only });
  const planner: Planner = list ? listPlanner(list, source) : service;
  return await pull([planner], { to: bundle, retryDelayMs: 1, ...options });
}

async function pushTo(host: string, folder: string): Promise<void> {
  await using target = rootOf(host);
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target);
}

/** What a place lists as referrers of each subject, in one order. */
async function listedAt(host: string): Promise<readonly (readonly Descriptor[])[]> {
  await using registry = rootOf(host);
  const repository = registry.repository("packages/app");
  const lists = await Promise.all(subjects.map((subject) => Array.fromAsync(repository.referrers(subject))));
  return lists.map((list) => list.sort((a, b) => (a.digest < b.digest ? -1 : 1)));
}

/** The digest of every tag that a plan has, but those of lists: a registry may write these in its own way. */
function namedBy(list: DownloadList): Record<string, Digest> {
  const lists = new Set(subjects.map(referrersTag));
  const images = list.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) =>
      repositories.flatMap((one) => one.images.map((image) => ({ ...one, ...image }))),
    ),
  );
  const named = images.filter(({ tag }) => !lists.has(tag)).map(({ path, tag, digest }) => [`${path}:${tag}`, digest]);
  return Object.fromEntries(named.sort());
}

describe.each(kinds)("what is attached to a package of $kind", ({ start }) => {
  test("is in the bundle as it was planned, and every registry lists it afterwards", async () => {
    await using source = await aPublisher(start);
    const folder = tempFolder();
    const planned = await planOf(source.host);
    await pulled(source.host, folder);
    const { version, archives, missing } = readPlan(folder);
    expect({ version, archives, missing }).toEqual(planned);
    await using bundle = await Bundle.open(folder);
    expect((await verifyBundle(bundle)).findings).toEqual([]);
    const there = await listedAt(source.host);
    expect(there.map(({ length }) => length)).toEqual([2, 1, 1, 1]);
    for (const { start: startTarget } of kinds) {
      await using target = await startTarget();
      await pushTo(target.host, folder);
      expect(await listedAt(target.host)).toEqual(there);
      await using mirror = rootOf(target.host);
      expect((await verify(mirror, planned)).findings).toEqual([]);
      expect(namedBy(await planOf(target.host))).toEqual(namedBy(planned));
    }
  });

  test("is brought by a frozen plan, byte for byte, and by a pull that was interrupted when it was planned", async () => {
    await using source = await aPublisher(start);
    const [whole, frozen, interrupted] = [tempFolder(), tempFolder(), tempFolder()];
    const planned = await planOf(source.host);
    await pulled(source.host, whole);

    const stop = new AbortController();
    let sections = 0;
    const onEvent = (event: MirrorEvent) => {
      if (event.type !== "section.planned" || event.archive !== "package-app.tar" || event.images === 0) return;
      sections += 1; // the second is the one with what is attached; it is in the journal by now
      if (sections === 2) stop.abort(new Error("enough"));
    };
    await expect(pulled(source.host, interrupted, { onEvent, signal: stop.signal })).rejects.toThrow("enough");
    await using registry = rootOf(source.host);
    await pushAll(registry.repository("packages/app"), signing(index, "somebody who came later"));
    await pulled(source.host, interrupted);
    await pulled(source.host, frozen, { list: planned });
    expect(digests(frozen)).toEqual(digests(whole));
    expect(digests(interrupted)).toEqual(digests(whole));
  });

  test("grows by a bundle over a base, which brings the new signature and no layer again", async () => {
    await using source = await aPublisher(start);
    await using target = await startTestRegistry();
    const [first, second] = [tempFolder(), tempFolder()];
    await pulled(source.host, first);
    await pushTo(target.host, first);
    await using registry = rootOf(source.host);
    await pushAll(registry.repository("packages/app"), signing(children[0] ?? index, "somebody who came later"));
    const { assumed } = await pulled(source.host, second, { base: inventoryOf(readPlan(first)) });
    expect(assumed.blobs).toBeGreaterThan(0);
    await pushTo(target.host, second);
    const there = await listedAt(source.host);
    expect(there[1]).toHaveLength(2);
    expect(await listedAt(target.host)).toEqual(there);
  });
});

test("a second pull of what a mirror has is the first one again", async () => {
  await using source = await aPublisher();
  await using target = await startTestRegistry();
  const [first, second] = [tempFolder(), tempFolder()];
  await pulled(source.host, first);
  await pushTo(target.host, first);
  await pulled(target.host, second);
  const archive = (folder: string) =>
    readPlan(folder).archives.flatMap(({ sections }) =>
      sections.flatMap(({ repositories }) => repositories.map(({ blobs, made, path }) => ({ blobs, made, path }))),
    );
  expect(archive(second)).toEqual(archive(first));
});

test("--skip-vex-images leaves the statements out and keeps the signatures", async () => {
  await using source = await aPublisher();
  const folder = tempFolder();
  const flags = ["--source", `${source.host}/fe`, "--include-package", "app@=v1.0.0", "--skip-vex-images"];
  expect(await runProgram("pull", folder, ...flags)).toMatchObject({ code: 0 });
  await using target = await startTestRegistry();
  await pushTo(target.host, folder);
  expect((await listedAt(target.host)).map((list) => list.map(({ digest }) => digest))).toEqual(
    [[2], [0], [1], []].map((own) => own.map((at) => referrers[at]?.manifest.descriptor.digest)),
  );
});

describe("an index of which one platform is wanted", () => {
  const [amd64, arm64] = children;
  const missing = lacking("skopeo");
  if (missing.length > 0) console.warn("tests/mirror/attached: skipped in part, skopeo is not installed");

  test("arrives narrowed, with what is attached to its child; the whole one's signature stays behind", async () => {
    await using source = await aPublisher();
    await using target = await startTestRegistry();
    const folder = tempFolder();
    const flags = ["--source", `${source.host}/fe`, "--include-package", "app@=v1.0.0", "--platform", "linux/arm64"];
    const { code, stderr } = await runProgram("pull", folder, ...flags);
    expect([code, stderr]).toEqual([0, expect.stringContaining("is narrowed to linux/arm64")]);
    await pushTo(target.host, folder);
    const digestOfChild = arm64?.manifest.descriptor.digest;
    await using mirror = rootOf(target.host);
    const repository = mirror.repository("packages/app");
    expect(await repository.resolve(amd64?.manifest.descriptor.digest ?? "none")).toBeUndefined();
    expect((await listedAt(target.host)).map(({ length }) => length)).toEqual([0, 0, 1, 0]);
    expect(await repository.resolve(hanging(arm64 ?? index, "sig"))).toBeDefined();
    const { bytes } = await repository.manifest("v1.0.0");
    const manifests = JSON.parse(new TextDecoder().decode(bytes)).manifests;
    expect(manifests).toMatchObject([{ digest: digestOfChild, platform: platforms[1] }]);
  });

  test("is pulled again from the mirror as it is, and by a frozen plan", async () => {
    await using source = await aPublisher();
    await using target = await startTestRegistry();
    const [whole, frozen] = [tempFolder(), tempFolder()];
    const only = { platforms: ["linux/arm64"] };
    await pulled(source.host, whole, only);
    await pulled(source.host, frozen, { list: await planOf(source.host, only) });
    expect(digests(frozen)).toEqual(digests(whole));
    await pushTo(target.host, whole);
    expect(namedBy(await planOf(target.host, only))).toEqual(namedBy(readPlan(whole)));
  });

  test.skipIf(missing.length > 0)("is what skopeo reads, with its signature", async () => {
    await using source = await aPublisher();
    await using target = await startDockerRegistry();
    const folder = tempFolder();
    await pulled(source.host, folder, { platforms: ["linux/arm64"] });
    await pushTo(target.host, folder);
    const raw = async (tag: string) => {
      const name = `docker://${target.host}/fe/packages/app:${tag}`;
      const { stdout } = await promisify(execFile)("skopeo", ["inspect", "--raw", "--tls-verify=false", name]);
      return digestOf(new TextEncoder().encode(stdout));
    };
    const named = namedBy(readPlan(folder));
    for (const tag of ["v1.0.0", hanging(arm64 ?? index, "sig")])
      expect(await raw(tag)).toBe(named[`packages/app:${tag}`]);
  });
});
