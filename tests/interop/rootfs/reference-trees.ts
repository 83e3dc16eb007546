import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { layoutTag } from "./oci-layout.ts";

/** Unpacks the image of a layout with umoci, and gives its root file system's folder. */
export function unpackWithUmoci(layout: string, folder: string): string {
  mkdirSync(folder, { recursive: true });
  const bundle = join(folder, "umoci");
  execFileSync("umoci", ["unpack", "--image", `${layout}:${layoutTag}`, bundle], { stdio: ["ignore", "pipe", "pipe"] });
  return join(bundle, "rootfs");
}

/** Makes an ext4 image that the kernel fills with a copy of `tree`. Needs root and loop devices. */
export function copyToExt4(tree: string, folder: string): string {
  const [image, point] = [join(folder, "kernel.ext4"), join(folder, "kernel-mount")];
  mkdirSync(point, { recursive: true });
  execFileSync("truncate", ["-s", "12M", "--", image]);
  execFileSync("mke2fs", [
    "-q",
    "-F",
    "-t",
    "ext4",
    "-b",
    "4096",
    "-I",
    "256",
    "-N",
    "1000",
    "-O",
    "^has_journal",
    "--",
    image,
  ]);
  execFileSync("mount", ["-o", "loop,nosuid,nodev,noatime", "--", image, point]);
  try {
    execFileSync("cp", ["-a", "--", `${tree}/.`, point]);
  } finally {
    execFileSync("umount", ["--", point]);
  }
  return image;
}
