import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { lockFileName, parseLockFile } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { seedProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const missing = lacking("docker-registry", "skopeo", "umoci", "busybox");

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A root file system with a static shell, links, modes, an empty folder and a few real text files. */
function makeRootfs(root: string): void {
  for (const folder of ["bin", "etc", "tmp", "usr/share/empty"]) mkdirSync(join(root, folder), { recursive: true });
  cpSync("/bin/busybox", join(root, "bin/busybox"), { dereference: true });
  for (const applet of ["sh", "ls", "cat"]) symlinkSync("busybox", join(root, "bin", applet));
  cpSync("/etc/services", join(root, "etc/services"), { dereference: true, errorOnExist: false, recursive: true });
  writeFileSync(join(root, "etc/secret"), "only root reads this\n");
  chmodSync(join(root, "etc/secret"), 0o600);
  chmodSync(join(root, "tmp"), 0o1777);
}

/** Every path below `root` with its kind, mode and content. */
function treeOf(root: string): Record<string, string> {
  const entries = readdirSync(root, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    entries.map((path) => {
      const full = join(root, path);
      const stat = lstatSync(full);
      const content = stat.isSymbolicLink()
        ? readlinkSync(full)
        : stat.isFile()
          ? readFileSync(full).toString("base64")
          : "";
      return [path, `${stat.mode.toString(8)} ${content}`];
    }),
  );
}

/** Packs a root file system into a layout as `app:v1.0.0`, plus a second layer as `app:v1.1.0`. */
function packImage(folder: string): string {
  const [layout, work] = [join(folder, "layout"), join(folder, "work")];
  run("umoci", "init", "--layout", layout);
  run("umoci", "new", "--image", `${layout}:v1.0.0`);
  run("umoci", "unpack", "--image", `${layout}:v1.0.0`, work);
  makeRootfs(join(work, "rootfs"));
  run("umoci", "repack", "--image", `${layout}:v1.0.0`, work);
  writeFileSync(join(work, "rootfs/etc/release"), "1.1\n");
  run("umoci", "repack", "--image", `${layout}:v1.1.0`, work);
  return layout;
}

test.skipIf(missing.length > 0)(
  `a real image goes from one docker-registry through a bundle into another and comes out file by file (lacking: ${missing.join(", ") || "nothing"})`,
  { timeout: 120_000 },
  async () => {
    await using from = await startDockerRegistry();
    await using to = await startDockerRegistry();
    const folder = tempFolder();
    const layout = packImage(folder);
    {
      await using source = createRegistry(`${from.host}/demo/fe`);
      await seedProduct(source, [
        { name: "real", versions: ["v1.0.0", "v1.1.0"], channels: { stable: "v1.0.0", alpha: "v1.1.0" } },
      ]);
    }
    for (const version of ["v1.0.0", "v1.1.0"]) {
      run(
        "skopeo",
        "copy",
        "--quiet",
        "--dest-tls-verify=false",
        `oci:${layout}:${version}`,
        `docker://${from.host}/demo/fe/packages/real:${version}`,
      );
    }

    const bundle = join(folder, "bundle");
    const pulled = await runProgram("pull", bundle, "--source", `${from.host}/demo/fe`, "--no-modules");
    expect(pulled.stderr).not.toContain("warning");
    expect(pulled.code).toBe(0);
    const listed = run("tar", "tvf", join(bundle, "package-real.tar")).trim().split("\n");
    expect(
      listed.filter(
        (line) =>
          !/^-rwxrwxrwx 0\/0 .* packages\/real\/(version\/)?(blobs\/sha256\/[0-9a-f]{64}|index\.json|oci-layout)$/.test(
            line,
          ),
      ),
    ).toEqual([]);
    const opened = join(folder, "opened");
    mkdirSync(opened);
    run("tar", "xf", join(bundle, "package-real.tar"), "-C", opened);
    const reference = `${from.host}/demo/fe/packages/real:v1.1.0`;
    run("skopeo", "copy", "--quiet", `oci:${opened}/packages/real:${reference}`, `oci:${join(folder, "read")}:v1.1.0`);
    expect(run("umoci", "ls", "--layout", join(opened, "packages/real"))).toContain(reference);
    expect((await runProgram("verify", bundle)).code).toBe(0);
    const pushed = await runProgram("push", bundle, `${to.host}/mirror/fe`);
    expect(pushed.stderr).toBe("");
    expect(pushed.code).toBe(0);

    for (const version of ["v1.0.0", "v1.1.0"]) {
      const digestAt = (host: string, path: string) =>
        run(
          "skopeo",
          "inspect",
          "--tls-verify=false",
          "--format",
          "{{.Digest}}",
          `docker://${host}/${path}/packages/real:${version}`,
        ).trim();
      expect(digestAt(to.host, "mirror/fe")).toBe(digestAt(from.host, "demo/fe"));
      const back = join(folder, `back-${version}`);
      run(
        "skopeo",
        "copy",
        "--quiet",
        "--src-tls-verify=false",
        `docker://${to.host}/mirror/fe/packages/real:${version}`,
        `oci:${back}:${version}`,
      );
      run("umoci", "unpack", "--image", `${back}:${version}`, join(folder, `out-${version}`));
      run("umoci", "unpack", "--image", `${layout}:${version}`, join(folder, `in-${version}`));
      expect(treeOf(join(folder, `out-${version}`, "rootfs"))).toEqual(treeOf(join(folder, `in-${version}`, "rootfs")));
    }
    const tags = JSON.parse(
      run("skopeo", "list-tags", "--tls-verify=false", `docker://${to.host}/mirror/fe/packages`),
    ) as { Tags: string[] };
    expect(tags.Tags).toEqual(["real"]);

    const plan = join(bundle, "tranship.lock.json");
    const verified = await runProgram("verify", `registry:${to.host}/mirror/fe`, "--plan", plan);
    expect(verified.stdout).toContain("is whole");
    expect(verified.code).toBe(0);
    const again = await runProgram("push", bundle, `${to.host}/mirror/fe`, "--json");
    const report = JSON.parse(again.stdout.trim().split("\n").at(-1) ?? "");
    expect(report).toMatchObject({
      type: "report",
      images: { written: 0 },
      blobs: { written: 0 },
      discovery: { written: 0 },
    });
    const repull = await runProgram("pull", bundle, "--source", `${from.host}/demo/fe`, "--json");
    const second = JSON.parse(repull.stdout.trim().split("\n").at(-1) ?? "");
    expect(second).toMatchObject({ type: "report", fetched: { blobs: 0, bytes: 0 } });
  },
);

test.skipIf(missing.length > 0)(
  "a mirror can itself be mirrored, with equal digests",
  { timeout: 60_000 },
  async () => {
    await using from = await startDockerRegistry();
    await using to = await startDockerRegistry();
    const folder = tempFolder();
    await using source = createRegistry(`${from.host}/demo/fe`);
    await seedProduct(source);
    await using target = createRegistry(`${to.host}/other`);
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    expect((await runProgram("pull", one, "--source", source.name)).code).toBe(0);
    expect((await runProgram("push", one, target.name)).code).toBe(0);
    expect((await runProgram("pull", two, "--source", target.name)).code).toBe(0);
    const references = (bundle: string) => {
      const file = join(bundle, lockFileName);
      const { archives } = parseLockFile(readFileSync(file, "utf8"), file);
      return archives
        .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories))
        .flatMap(({ path, images }) => images.map(({ tag, digest }) => `${path}:${tag} ${digest}`));
    };
    expect(new Set(references(two))).toEqual(new Set(references(one)));
  },
);
