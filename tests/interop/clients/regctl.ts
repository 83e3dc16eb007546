import { join } from "node:path";
import { app, multi, signatureType } from "./content.ts";
import { digestAt, type Place, referrersAt, type Story } from "./story.ts";

/** Copies with referrers, into a layout and back; removes tags, manifests and blobs. */
export const regctl: Story = {
  client: "regctl",
  async tell(shell, place) {
    const { host, folder } = place;
    const regctl = (...args: readonly string[]) => shell.run("regctl", ...tlsOf(place), ...args);
    const { digest } = app.manifest.descriptor;
    const layout = `ocidir://${join(folder, "layout")}`;
    await regctl("image", "copy", "--referrers", `${host}/ours/app:v1`, `${host}/regctl/app:v1`);
    shell.same("the copy is the image", await regctl("image", "digest", `${host}/regctl/app:v1`), digest);
    const referrers = await referrersAt(place, "ours/app", "v1");
    shell.same("all that refers to it came along", await referrersAt(place, "regctl/app", "v1"), referrers);
    const type = ["--filter-artifact-type", signatureType];
    const listed = await regctl(
      "artifact",
      "list",
      ...type,
      "--format",
      "{{len .Descriptors}}",
      `${host}/regctl/app:v1`,
    );
    shell.same("regctl finds one by its type", listed, "1");
    await regctl("image", "copy", "--referrers", `${host}/regctl/app:v1`, `${layout}:app`);
    await regctl("image", "copy", `${host}/ours/multi:v1`, `${layout}:multi`);
    await regctl("image", "copy", `${layout}:multi`, `${host}/regctl/multi:v1`);
    const back = await digestAt(place, "regctl/multi", "v1");
    shell.same("the index came back unchanged", back, multi.manifest.descriptor.digest);
    for (const tag of ["v1.0", "v1.0.0"]) {
      await regctl("image", "copy", `${host}/regctl/app:v1`, `${host}/regctl/app:${tag}`);
    }
    await regctl("tag", "rm", `${host}/regctl/app:v1.0`);
    const tags = (await regctl("tag", "ls", `${host}/regctl/app`)).split("\n");
    shell.same(
      "one tag went, its neighbours stayed",
      tags.filter((tag) => tag.startsWith("v1")),
      ["v1", "v1.0.0"],
    );
    await regctl("repo", "ls", host);
    await regctl("manifest", "delete", `${host}/regctl/app@${digest}`);
    shell.gone("a manifest went with its tags", await digestAt(place, "regctl/app", "v1"));
    const [config] = app.blobs;
    await regctl("blob", "delete", `${host}/regctl/app`, config?.digest ?? "");
    const left = config && (await place.registry.repository("regctl/app").statBlob(config.digest));
    shell.gone("a blob went", left);
  },
};

function tlsOf({ host, isPlainHttp }: Place): readonly string[] {
  return isPlainHttp ? ["--host", `reg=${host},tls=disabled`] : [];
}
