import { formatNames } from "../flags/rootfs-flags.ts";
import type { RootfsReport } from "../output-schema/rootfs-report.ts";
import { elapsedLine } from "./elapsed.ts";
import { count, formatBytes } from "./size.ts";

/** What `tranship rootfs` made, for people. */
export function rootfsSummary(report: RootfsReport): string {
  const { dryRun, digest, platform, layers, compressedBytes, mode, hooks, elapsedMs } = report;
  const { inodes, fileBytes = 0, sha256 } = report;
  const stored = [
    ...(layers === undefined ? [] : [count(layers, "layer")]),
    ...(compressedBytes === 0 ? [] : [formatBytes(compressedBytes)]),
  ];
  return [
    row("image", digest),
    ...(platform === undefined ? [] : [row("platform", platform)]),
    ...(stored.length === 0 ? [] : [row("stored", stored.join(", "))]),
    ...(mode === "native" ? [] : [row("read by", mode === "docker" ? "a Docker daemon" : "skopeo")]),
    ...(hooks === 0 ? [] : [row("edited by", count(hooks, "hook"))]),
    ...(inodes === undefined ? [] : [row("files", `${count(inodes, "inode")}, ${formatBytes(fileBytes)} in files`)]),
    ...(sha256 === undefined ? [] : [row("sha256", sha256)]),
    ...unappliedRows(report),
    ...runRows(report),
    writtenLine(report),
    ...(dryRun ? [] : [elapsedLine(elapsedMs, 0)]),
  ].join("\n");
}

function writtenLine({ dryRun, output, format, sizeBytes }: RootfsReport): string {
  const where = output === "-" ? "standard output" : output;
  if (dryRun) return `a dry run: nothing was fetched or written; it would become ${formatNames[format]}, ${where}`;
  const size = sizeBytes === undefined ? "" : ` of ${formatBytes(sizeBytes)}`;
  return `wrote ${formatNames[format]}${size} to ${where}`;
}

function unappliedRows({ unapplied = 0, sidecar }: RootfsReport): readonly string[] {
  if (unapplied === 0 || sidecar === undefined) return [];
  const entries = unapplied === 1 ? "entry lacks" : "entries lack";
  return [row("incomplete", `${unapplied} ${entries} an owner, a device or an attribute: see ${sidecar}`)];
}

/** How the image wants to be run: an image file has nobody else who knows. */
function runRows({ config: { entrypoint, cmd, workingDir, user } }: RootfsReport): readonly string[] {
  const command = [...(entrypoint ?? []), ...(cmd ?? [])].map(shown).join(" ");
  if (command === "") return [];
  const how = `${workingDir === "" ? "" : ` in ${workingDir}`}${user === "" ? "" : ` as ${user}`}`;
  return [row("runs", `${command}${how}`)];
}

function shown(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(17)} ${text}`;
}
