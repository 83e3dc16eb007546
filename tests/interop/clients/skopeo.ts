import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { app, docker, multi } from "./content.ts";
import type { Shell } from "./shell.ts";
import { digestAt, type Place, type Story } from "./story.ts";

/** Copies in and out, whole indexes among it, and synchronises with a folder both ways. */
export const skopeo: Story = {
  client: "skopeo",
  async tell(shell, place) {
    await copy(shell, place);
    await sync(shell, place);
    await remove(shell, place);
  },
};

async function copy(shell: Shell, place: Place): Promise<void> {
  const { host, folder } = place;
  const [verify, from, to] = tlsOf(place);
  const layout = join(folder, "layout");
  const images = [
    { name: "app", flags: [], image: app },
    { name: "docker", flags: [], image: docker },
    { name: "multi", flags: ["--all"], image: multi },
  ];
  for (const { name, flags, image } of images) {
    const [ours, theirs] = [`docker://${host}/ours/${name}:v1`, `docker://${host}/skopeo/${name}:v1`];
    const { digest } = image.manifest.descriptor;
    // a layout would make an OCI manifest of Docker's: that one goes from repository to repository
    if (name === "docker") await shell.run("skopeo", "copy", "--quiet", ...from, ...to, ours, theirs);
    else {
      await shell.run("skopeo", "copy", "--quiet", ...flags, ...from, ours, `oci:${layout}:${name}`);
      await shell.run("skopeo", "copy", "--quiet", ...flags, ...to, `oci:${layout}:${name}`, theirs);
    }
    const raw = await shell.run("skopeo", "inspect", ...verify, "--format", "{{.Digest}}", theirs);
    shell.same("the copy is the image", raw, digest);
    shell.same("and so it lies behind the server", await digestAt(place, `skopeo/${name}`, "v1"), digest);
  }
  await shell.run("skopeo", "list-tags", ...verify, `docker://${host}/ours/app`);
}

async function sync(shell: Shell, place: Place): Promise<void> {
  const { host, folder } = place;
  const [, from, to] = tlsOf(place);
  const target = join(folder, "synced");
  await shell.runSilently("skopeo", "sync", "--src", "docker", "--dest", "dir", ...from, `${host}/ours/app`, target);
  const found = (await readdir(target)).sort();
  shell.same("the folder holds every tag", found, ["app:latest", "app:v1"]);
  const manifest = digestOf(await readFile(join(target, "app:v1", "manifest.json")));
  shell.same("its manifest is the image's", manifest, app.manifest.descriptor.digest);
  await shell.runSilently("skopeo", "sync", "--src", "dir", "--dest", "docker", ...to, target, `${host}/synced`);
  for (const tag of app.tags) {
    const digest = await digestAt(place, "synced/app", tag);
    shell.same(`${tag} came back unchanged`, digest, app.manifest.descriptor.digest);
  }
}

async function remove(shell: Shell, place: Place): Promise<void> {
  const [verify] = tlsOf(place);
  await shell.run("skopeo", "delete", ...verify, `docker://${place.host}/skopeo/docker:v1`);
  shell.gone("what was deleted is gone", await digestAt(place, "skopeo/docker", "v1"));
}

function tlsOf({ isPlainHttp }: Place): readonly [verify: string[], from: string[], to: string[]] {
  if (!isPlainHttp) return [[], [], []];
  return [["--tls-verify=false"], ["--src-tls-verify=false"], ["--dest-tls-verify=false"]];
}
