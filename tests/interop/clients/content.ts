import type { Registry } from "@tranship/registry";
import { anArtifact, anImage, anIndex } from "@tranship/registry/testing";
import { pushAll } from "../../support/push-all.ts";

const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));

/** An image of one platform. */
export const app = anImage({ tags: ["v1", "latest"], files: { "srv/app": "app\n" }, seed: "app" });

/** An image of Docker's media types. */
export const docker = anImage({ tag: "v1", docker: true, files: { "srv/docker": "docker\n" }, seed: "docker" });

/** Images of two platforms under an index. */
export const multi = anIndex({
  tag: "v1",
  images: platforms.map((platform) => anImage({ platform, files: { ...platform } })),
  platforms,
});

/** The type of the artifact that refers to {@link app}. */
export const signatureType = "application/vnd.example.signature";

const signature = anArtifact({ subject: app, artifactType: signatureType });

/** Puts the content that clients are to find into a registry. */
export async function fill(registry: Registry): Promise<void> {
  await pushAll(registry.repository("ours/app"), app, signature);
  await pushAll(registry.repository("ours/docker"), docker);
  await pushAll(registry.repository("ours/multi"), multi);
}
