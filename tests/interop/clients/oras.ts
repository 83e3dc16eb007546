import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { app, signatureType } from "./content.ts";
import type { Shell } from "./shell.ts";
import { digestAt, type Place, referrersAt, type Story } from "./story.ts";

const created = "org.opencontainers.image.created=2026-01-01T00:00:00Z"; // the same digests in every run
const sbomType = "application/vnd.example.sbom";
const digestOnly = ["--no-tty", "--format", "go-template={{.digest}}"];

/** Pushes artifacts, attaches to them, and copies them with all that refers to them. */
export const oras: Story = {
  client: "oras",
  async tell(shell, place) {
    await pushAndPull(shell, place);
    await attach(shell, place);
    await copyRecursively(shell, place);
    await list(shell, place);
    await remove(shell, place);
  },
};

async function pushAndPull(shell: Shell, place: Place): Promise<void> {
  const config = `${place.host}/oras/config:v1`;
  const content = '{"hello":"world"}\n';
  await writeFile(join(place.folder, "config.json"), content);
  const flags = ["--artifact-type", "application/vnd.example.config", "--annotation", created];
  const file = "config.json:application/json"; // named from where oras runs: its path becomes the title
  const pushed = await shell.run("oras", "push", ...plain(place), ...digestOnly, ...flags, config, file);
  shell.same("what was pushed lies behind the server", await digestAt(place, "oras/config", "v1"), pushed);
  shell.same("oras resolves it", await shell.run("oras", "resolve", ...plain(place), config), pushed);
  await shell.runSilently("oras", "pull", ...plain(place), "--no-tty", "--output", "out", config);
  shell.same("the file comes back", await readFile(join(place.folder, "out", "config.json"), "utf8"), content);
}

async function attach(shell: Shell, place: Place): Promise<void> {
  const image = `${place.host}/ours/app:v1`;
  await writeFile(join(place.folder, "sbom.json"), "{}\n");
  const flags = [...plain(place), ...digestOnly, "--artifact-type", sbomType, "--annotation", created];
  await shell.run("oras", "attach", ...flags, image, "sbom.json:application/json");

  shell.same("both refer to the image", await referrersAt(place, "ours/app", "v1"), [sbomType, signatureType]);
  const one = ["--format", "go-template={{range .referrers}}{{.artifactType}}{{end}}", "--artifact-type", sbomType];
  const found = await shell.run("oras", "discover", ...plain(place), ...one, image);
  shell.same("oras finds one by its type", found, sbomType);
}

async function copyRecursively(shell: Shell, place: Place): Promise<void> {
  const [from, to] = [`${place.host}/ours/app:v1`, `${place.host}/oras/copy:v1`];
  const flags = place.isPlainHttp ? ["--from-plain-http", "--to-plain-http"] : [];
  await shell.runSilently("oras", "cp", "--recursive", "--no-tty", ...flags, from, to);
  shell.same("the copy is the image", await digestAt(place, "oras/copy", "v1"), app.manifest.descriptor.digest);
  const referrers = await referrersAt(place, "oras/copy", "v1");
  shell.same("all that refers to it came along", referrers, await referrersAt(place, "ours/app", "v1"));
  const layout = join(place.folder, "backup");
  const source = place.isPlainHttp ? ["--from-plain-http"] : [];
  await shell.runSilently("oras", "cp", "--recursive", "--no-tty", ...source, "--to-oci-layout", to, `${layout}:v1`);
  const resolved = await shell.run("oras", "resolve", "--oci-layout", `${layout}:v1`);
  shell.same("the layout has it too", resolved, app.manifest.descriptor.digest);
}

async function list(shell: Shell, place: Place): Promise<void> {
  const repositories = (await shell.run("oras", "repo", "ls", ...plain(place), place.host)).split("\n");
  shell.same(
    "oras lists its repositories",
    repositories.filter((name) => name.startsWith("oras/")),
    ["oras/config", "oras/copy"],
  );
  await shell.runSilently("oras", "tag", ...plain(place), `${place.host}/oras/copy:v1`, "v1.0", "v1.0.0");
  const tags = (await shell.run("oras", "repo", "tags", ...plain(place), `${place.host}/oras/copy`)).split("\n");
  shell.same("and the tags it gave", tags, ["v1", "v1.0", "v1.0.0"]);
}

async function remove(shell: Shell, place: Place): Promise<void> {
  const [config] = app.blobs;
  const repository = `${place.host}/oras/copy`;
  const blob = `${repository}@${config?.digest}`;
  await shell.run("oras", "manifest", "delete", ...plain(place), "--force", `${repository}:v1`);
  await shell.run("oras", "blob", "delete", ...plain(place), "--force", blob);
  shell.gone("the manifest is gone", await digestAt(place, "oras/copy", "v1"));
  const left = config && (await place.registry.repository("oras/copy").statBlob(config.digest));
  shell.gone("and so is the blob", left);
}

function plain({ isPlainHttp }: Place): readonly string[] {
  return isPlainHttp ? ["--plain-http"] : [];
}
