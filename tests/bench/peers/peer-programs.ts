import { execFileSync } from "node:child_process";
import { goTool, goToolVersion } from "../../support/go-tools.ts";
import { findProgram } from "../../support/tools.ts";
import { debianPeers } from "./debian-unstable.ts";

/** The programs that are measured beside ours. */
export type PeerFamily = "crane" | "oras" | "regctl" | "skopeo";

/** A program of somebody else. */
export interface PeerProgram {
  readonly family: PeerFamily;
  readonly version: string;
  readonly path: string;
}

/** Programs that are here, and those that are not, with the reason. */
export interface FoundPeers {
  readonly programs: readonly PeerProgram[];
  readonly missing: readonly string[];
}

/** Everybody there is on this machine: installed, built from pinned modules, or as Debian unstable has them. */
export async function peerPrograms(): Promise<FoundPeers> {
  const programs: PeerProgram[] = [];
  const missing: string[] = [];
  for (const family of ["crane", "oras", "regctl"] as const) {
    const built = await goTool(family);
    if (built.path === undefined) missing.push(`${family}: ${built.missing}`);
    else programs.push({ family, version: (await goToolVersion(family)).slice(1), path: built.path });
  }
  const skopeo = findProgram("skopeo");
  if (skopeo === undefined) missing.push("skopeo is not installed");
  else programs.push({ family: "skopeo", version: skopeoVersion(skopeo), path: skopeo });
  const newer = await debianPeers();
  return { programs: [...programs, ...newer.programs], missing: [...missing, ...newer.missing] };
}

function skopeoVersion(path: string): string {
  return /version (\S+)/.exec(execFileSync(path, ["--version"], { encoding: "utf8" }))?.[1] ?? "of an unknown version";
}
