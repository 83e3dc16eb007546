import { RootfsError } from "../../errors.ts";
import type { ToolEnvironment } from "../../ext4/find-tool.ts";
import { runTool } from "../../ext4/run-tool.ts";
import { skopeoSource } from "../image-reference.ts";

/** How long skopeo may be silent over a manifest or config, in milliseconds. */
const inspectTimeoutMs = 120_000;

/** How skopeo gets at a registry. */
export interface SkopeoAccess {
  /** A file with credentials; `undefined` for those that skopeo finds stored. */
  readonly authFile: string | undefined;
  /** Whether it may speak plain HTTP. */
  readonly isPlainHttp: boolean;
  readonly environment: ToolEnvironment;
}

/** What is asked of skopeo. */
export interface SkopeoInspection {
  /** Without transport. */
  readonly reference: string;
  /** The config in place of the manifest. */
  readonly isConfig?: boolean | undefined;
  /** More is refused, in bytes. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The exact bytes of a manifest, or of an image's config, as `skopeo inspect --raw` gives them. It asks the registry for that
 * one thing alone: without `--raw` it would list every tag of the repository and read the config besides.
 * @throws RootfsError `TOOL_MISSING`, `TOOL_FAILED`, `TOOL_UNFIT`; `IMAGE_INVALID` for more than `maxBytes`
 */
export async function skopeoInspect(
  access: SkopeoAccess,
  { reference, isConfig = false, maxBytes, signal }: SkopeoInspection,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const args = ["inspect", ...accessOptions(access, "inspect"), ...(isConfig ? ["--config"] : []), "--raw"];
  await runTool("skopeo", [...args, "--", skopeoSource(reference)], {
    step: `read the ${isConfig ? "config" : "manifest"} of ${reference}`,
    environment: access.environment,
    idleTimeoutMs: inspectTimeoutMs,
    signal,
    onStdout(chunk) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLong(reference, maxBytes);
      chunks.push(chunk);
    },
  });
  return Buffer.concat(chunks);
}

/** What follows skopeo's subcommand: who asks, and how. */
export function accessOptions({ authFile, isPlainHttp }: SkopeoAccess, command: "inspect" | "copy"): readonly string[] {
  const tls = command === "copy" ? "--src-tls-verify=false" : "--tls-verify=false";
  return [...(authFile === undefined ? [] : ["--authfile", authFile]), ...(isPlainHttp ? [tls] : [])];
}

function tooLong(reference: string, maxBytes: number): RootfsError<"IMAGE_INVALID"> {
  const reason = `what the registry has for it is over ${maxBytes} bytes long`;
  return new RootfsError("IMAGE_INVALID", `cannot use ${reference}: ${reason}`, { reference, reason });
}
