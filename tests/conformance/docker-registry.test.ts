import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { childManifests, createRegistry, parseManifest } from "@tranship/registry";
import { aBlob, anArtifact, anImage, anIndex } from "@tranship/registry/testing";
import {
  describeDeleterContract,
  describeReaderContract,
  describeWriterContract,
} from "@tranship/registry/testing/contract";
import { describe, expect, test } from "vitest";
import { aDockerHome } from "../support/docker-home.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { pieces, pushAll } from "../support/push-all.ts";
import { lacking } from "../support/tools.ts";

const missing = lacking("docker-registry");
if (missing.length > 0) console.warn("tests/conformance/docker-registry: skipped, docker-registry is not installed");

describe.skipIf(missing.length > 0)("against docker-registry", () => {
  // distribution 2.8 stores by sha256 only and deletes no tags; its lack of a referrers API is the client's to make up for
  const without = ["deleteTag", "sha512"] as const;
  describeReaderContract("docker-registry through createRegistry", () => aDockerHome(), { without });
  describeWriterContract("docker-registry through createRegistry", () => aDockerHome(), { without });
  describeDeleterContract("docker-registry through createRegistry", () => aDockerHome(), { without });

  test("mounts between repositories without asking for the bytes", async () => {
    await using home = await aDockerHome();
    const blob = aBlob({ size: 100_000 });
    await pushAll(home.registry.repository("demo/one"), blob);
    const refuse = () => {
      throw new Error("the bytes were asked for");
    };
    const outcome = await home.registry.repository("demo/two").pushBlob(blob, refuse, { mountFrom: ["demo/one"] });
    expect(outcome).toBe("mounted");
  });

  test("lists what it pushed under the fallback tag, which others find referrers by", async () => {
    await using home = await aDockerHome();
    const repository = home.registry.repository("app");
    const image = anImage({ tag: "v1" });
    const [one, two] = ["one", "two"].map((type) =>
      anArtifact({ subject: image, artifactType: `application/${type}` }),
    );
    if (!one || !two) throw new Error("two were made");
    const { digest } = image.manifest.descriptor;
    await pushAll(repository, image, one, two);
    const index = parseManifest(await repository.manifest(digest.replace(":", "-")));
    expect(childManifests(index).map((child) => child.digest)).toEqual(
      [one, two].map(({ manifest }) => manifest.descriptor.digest),
    );
    const found = await Array.fromAsync(repository.referrers(digest));
    expect(found.map(({ artifactType }) => artifactType)).toEqual(["application/one", "application/two"]);
  });

  test("finds referrers that another client listed under the fallback tag", async () => {
    await using home = await aDockerHome();
    const repository = home.registry.repository("app");
    const image = anImage({ tag: "v1" });
    const signature = anArtifact({ subject: image, artifactType: "application/x.signature" });
    const { digest } = image.manifest.descriptor;
    await pushAll(repository, image);
    await pushAll(repository, anIndex({ tag: digest.replace(":", "-"), images: [signature] }));
    const found = await Array.fromAsync(repository.referrers(digest));
    expect(found.map((descriptor) => descriptor.digest)).toEqual([signature.manifest.descriptor.digest]);
  });

  // Once bytes have come, distribution 2.8 refuses to end a session by the URL it gave out before them; its own
  // purging has to. Before the first byte, it does as it is told.
  test("leaves no upload behind when the source cannot be read", async () => {
    await using server = await startDockerRegistry();
    await using registry = createRegistry(server.host, { retryDelayMs: 1 });
    const blob = aBlob({ size: 100_000 });
    const wrong = aBlob({ size: 10, seed: "wrong" });
    await expect(registry.repository("app").pushBlob(blob, () => pieces(wrong.bytes))).rejects.toMatchObject({
      code: "SIZE_MISMATCH",
    });
    const uploads = join(server.directory, "docker/registry/v2/repositories/app/_uploads");
    const left = readdirSync(uploads, { recursive: true, encoding: "utf8" }).map((path) => basename(path));
    expect(left).toContain("hashstates"); // which it forgets to remove: there was a session
    expect(left).not.toContain("data");
  });

  test("reads a list of tags longer than a page", { timeout: 60_000 }, async () => {
    await using home = await aDockerHome();
    const repository = home.registry.repository("app");
    const tags = Array.from({ length: 1005 }, (_, n) => `v1.0.${n}`);
    const image = anImage({ tags: ["v1.0.0"] });
    await pushAll(repository, image);
    await repository.pushManifest(image.manifest, { tags });
    expect((await Array.fromAsync(repository.tags())).sort()).toEqual(tags.sort());
  });
});
