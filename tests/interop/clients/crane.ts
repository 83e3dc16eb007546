import { join } from "node:path";
import { app, multi } from "./content.ts";
import { digestAt, type Story } from "./story.ts";

/** Copies, lists, validates, rewrites and deletes. */
export const crane: Story = {
  client: "crane",
  async tell(shell, place) {
    const { host, folder } = place;
    const { digest } = app.manifest.descriptor;
    for (const [name, image] of [
      ["app", app],
      ["multi", multi],
    ] as const) {
      const [from, to] = [`${host}/ours/${name}:v1`, `${host}/crane/${name}:v1`];
      await shell.run("crane", "copy", from, to);
      const copied = await shell.run("crane", "digest", to);
      shell.same("the copy is the image", copied, image.manifest.descriptor.digest);
      await shell.run("crane", "validate", "--remote", to);
    }
    const catalog = (await shell.run("crane", "catalog", host)).split("\n");
    shell.same(
      "crane lists its repositories",
      catalog.filter((name) => name.startsWith("crane/")),
      ["crane/app", "crane/multi"],
    );
    const layout = join(folder, "layout");
    await shell.run("crane", "pull", "--format", "oci", `${host}/crane/multi:v1`, layout);
    await shell.run("crane", "push", "--index", layout, `${host}/crane/pushed:v1`);
    await shell.run("crane", "validate", "--remote", `${host}/crane/pushed:v1`);
    await shell.run("crane", "tag", `${host}/crane/app:v1`, "v1.0.0");
    const tags = (await shell.run("crane", "ls", `${host}/crane/app`)).split("\n");
    shell.same("and the tags it gave", tags, ["v1", "v1.0.0"]);
    const changed = `${host}/crane/changed:v1`;
    await shell.run("crane", "mutate", "--label", "by=crane", "--tag", changed, `${host}/crane/app:v1`);
    const { config } = JSON.parse(await shell.run("crane", "config", changed)) as { config: { Labels: object } };
    shell.same("a changed image has the new label", config.Labels, { by: "crane", seed: "app" });
    await shell.run("crane", "delete", `${host}/crane/app@${digest}`);
    shell.gone("what was deleted is gone", await digestAt(place, "crane/app", "v1"));
  },
};
