import type { WantedPlatform } from "../../../plan/platforms/platforms.ts";
import { RootfsError } from "../../errors.ts";
import type { PreparedSource } from "../source.ts";
import type { DockerDaemon } from "./docker-daemon.ts";

/** What an export needs of an image that a daemon has. */
export interface PreparedDocker {
  readonly daemon: DockerDaemon;
  /** The daemon's own id: what was prepared is exported, also when its tag has moved since. */
  readonly id: string;
  /** Out of several in one image. */
  readonly platform: WantedPlatform;
}

const prepared = new WeakMap<PreparedSource, PreparedDocker>();

/** Keeps for a prepared source what only this mode knows. */
export function rememberDocker(source: PreparedSource, docker: PreparedDocker): void {
  prepared.set(source, docker);
}

/** What was kept for it. @throws RootfsError `SOURCE_UNPREPARED` */
export function preparedDocker(source: PreparedSource): PreparedDocker {
  const docker = prepared.get(source);
  if (docker !== undefined) return docker;
  const details = { reference: source.localRef, reason: "no Docker daemon was asked for it" };
  throw new RootfsError("SOURCE_UNPREPARED", `cannot export ${source.localRef}: ${details.reason}`, details);
}
