import { execFileSync } from "node:child_process";
import { cpSync, linkSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { layoutTag } from "./oci-layout.ts";
import { paxArchive } from "./pax-archive.ts";

/** Options of {@link buildDebianImage}. */
export interface DebianImageOptions {
  /** Debian's name for the release. */
  readonly suite: string;
  /** A root file system that debootstrap made earlier; made anew without one. */
  readonly base?: string | undefined;
}

/**
 * Makes an image of three layers in `folder` and gives its layout. The first two are umoci's: what `debootstrap` installs,
 * then what `dpkg` and others change in it. The last replaces a directory with an opaque whiteout. Needs root, and the
 * network without a `base`.
 */
export function buildDebianImage(folder: string, { suite, base = join(folder, "base") }: DebianImageOptions): string {
  mkdirSync(folder, { recursive: true });
  const [layout, bundle] = [join(folder, "layout"), join(folder, "bundle")];
  const [image, rootfs] = [`${layout}:${layoutTag}`, join(bundle, "rootfs")];
  if (base === join(folder, "base")) run("debootstrap", "--variant=minbase", suite, base);
  run("umoci", "init", "--layout", layout);
  run("umoci", "new", "--image", image);
  run("umoci", "unpack", "--image", image, bundle);
  run("cp", "-a", "--", `${base}/.`, rootfs);
  run("umoci", "repack", "--refresh-bundle", "--image", image, bundle);
  changeSystem(rootfs);
  run("umoci", "repack", "--image", image, bundle);
  const archive = join(folder, "opaque.tar");
  writeFileSync(archive, opaqueLayer());
  run("umoci", "raw", "add-layer", "--image", image, archive);
  rmSync(bundle, { recursive: true });
  return layout;
}

/** Removes packages, unpacks others once more, and changes what packages do not. */
function changeSystem(rootfs: string): void {
  const archives = "var/cache/apt/archives";
  const again = readdirSync(join(rootfs, archives)).filter((name) =>
    /^(bash|coreutils|sed|grep|perl-base)_/.test(name),
  );
  run("chroot", rootfs, "dpkg", "--install", ...again.map((name) => `/${archives}/${name}`));
  run("chroot", rootfs, "dpkg", "--purge", "--force-all", "tzdata", "e2fsprogs", "mount");
  rmSync(join(rootfs, archives), { recursive: true });
  rmSync(join(rootfs, "usr/share/doc"), { recursive: true });
  writeFileSync(join(rootfs, "usr/share/doc"), "a file where a directory was\n");
  rmSync(join(rootfs, "etc/issue"));
  mkdirSync(join(rootfs, "etc/issue"), { mode: 0o750 });
  run("chmod", "u+s,g+s", "--", join(rootfs, "usr/bin/env"));
  run("setcap", "cap_net_raw,cap_net_admin+ep", join(rootfs, "usr/bin/tail"));
  run("setfattr", "-n", "user.origin", "-v", "changed", "--", join(rootfs, "etc/hostname"));
  linkSync(join(rootfs, "etc/passwd"), join(rootfs, "opt/passwd-linked"));
  run("mknod", "-m", "660", "--", join(rootfs, "opt/loop"), "b", "7", "300");
  run("truncate", "-s", "64M", "--", join(rootfs, "opt/sparse"));
  cpSync(join(rootfs, "etc/debian_version"), join(rootfs, "opt/not-ASCII-\u00e9\u4e2d"));
}

function opaqueLayer(): Uint8Array {
  return paxArchive([
    { name: "usr/share/perl5", type: "directory", mode: 0o750, gid: 50, mtime: "1700000000.123456789" },
    { name: "usr/share/perl5/.wh..wh..opq" },
    { name: "usr/share/perl5/README", content: "nothing of below is left\n" },
    { name: "lib/through-a-link", content: "in usr/lib\n" },
    { name: "opt/.wh.loop" },
  ]);
}

function run(command: string, ...args: readonly string[]): void {
  const env = {
    ...process.env,
    LC_ALL: "C",
    DEBIAN_FRONTEND: "noninteractive",
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
  };
  execFileSync(command, args, { env, stdio: ["ignore", "ignore", "pipe"], maxBuffer: 2 ** 26 });
}
