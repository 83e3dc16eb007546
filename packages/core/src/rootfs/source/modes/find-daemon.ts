import { isRootfsError, RootfsError } from "../../errors.ts";
import type { ToolEnvironment } from "../../ext4/find-tool.ts";
import { DockerCli } from "./docker-cli.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import { dockerEndpoint } from "./docker-endpoint.ts";
import { DockerEngine } from "./docker-engine.ts";
import type { DockerImage } from "./docker-image.ts";
import { DaemonUnreachable } from "./docker-request.ts";

/** A daemon that answered, and what it said of the image. */
export interface FoundDaemon {
  readonly daemon: DockerDaemon;
  /** `undefined` when it does not have the image. */
  readonly image: DockerImage | undefined;
  /** Whether what is sent to it can be read on the way. */
  readonly isExposed: boolean;
  /** Whether it finds stored credentials by itself. */
  readonly hasOwnCredentials: boolean;
}

/**
 * Asks the daemon that `DOCKER_HOST` names about an image. Only where nobody answers is the `docker` program asked: a
 * daemon that refuses has answered.
 * @throws RootfsError `DAEMON_FAILED`, `TOOL_FAILED`, `TOOL_UNFIT`
 */
export async function findDaemon(
  reference: string,
  environment: ToolEnvironment,
  signal: AbortSignal | undefined,
): Promise<FoundDaemon> {
  const endpoint = await dockerEndpoint(environment);
  const engine = new DockerEngine(endpoint);
  try {
    const image = await engine.inspect(reference, { signal });
    return { daemon: engine, image, isExposed: endpoint.isExposed, hasOwnCredentials: false };
  } catch (error) {
    if (!(error instanceof DaemonUnreachable)) throw error;
    return await askProgram(reference, environment, signal, error);
  }
}

async function askProgram(
  reference: string,
  environment: ToolEnvironment,
  signal: AbortSignal | undefined,
  unreachable: DaemonUnreachable,
): Promise<FoundDaemon> {
  const daemon = new DockerCli(environment);
  try {
    const image = await daemon.inspect(reference, { signal });
    return { daemon, image, isExposed: false, hasOwnCredentials: true };
  } catch (error) {
    const why = noDaemonIn(error);
    if (why === undefined) throw error;
    const message = `${unreachable.message}, and ${why}`;
    throw new RootfsError("DAEMON_FAILED", message, unreachable.details, { cause: unreachable });
  }
}

/** Why the program found no daemon; `undefined` where that is not what failed. A program alone is none. */
function noDaemonIn(error: unknown): string | undefined {
  if (isRootfsError(error, "TOOL_MISSING")) return "there is no docker program to ask";
  const isAlone =
    isRootfsError(error, "TOOL_FAILED") && /cannot connect to the docker daemon/i.test(error.details.output);
  return isAlone ? "the docker program finds none either" : undefined;
}
