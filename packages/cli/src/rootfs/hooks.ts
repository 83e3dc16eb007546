import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type DockerImageConfig, RootfsError, type RootfsFiles } from "@tranship/core/rootfs";
import { isThere } from "../place.ts";
import { UsageError } from "../usage-error.ts";

/** What a hook is told of the image. */
export interface HookContext {
  /** How the image wants to be run. */
  readonly config: DockerImageConfig;
  /** Name and digest of the image manifest. */
  readonly digest: string;
  /** Aborted when the run is told to stop. */
  readonly signal: AbortSignal;
}

/** What a module of `--hook` exports as its default: edits the files of an image before they are written. */
export type HookFunction = (files: RootfsFiles, context: HookContext) => unknown;

/** A module of `--hook`, and where it came from. */
export interface Hook {
  readonly file: string;
  readonly edit: HookFunction;
}

/**
 * Loads the modules of `--hook`: this runs them.
 * @throws UsageError for a file that is not there; RootfsError `HOOK_FAILED`
 */
export async function loadHooks(files: readonly string[], image: string): Promise<readonly Hook[]> {
  const away = files.find((file) => !isThere(file));
  if (away !== undefined) throw new UsageError(`--hook ${away}: there is no such file`);
  const hooks: Hook[] = [];
  for (const file of files) hooks.push({ file, edit: await load(file, image) });
  return hooks;
}

/** Runs hooks one after another. @throws RootfsError `HOOK_FAILED` with what one threw as the cause; `signal.reason` */
export async function runHooks(hooks: readonly Hook[], files: RootfsFiles, context: HookContext): Promise<void> {
  for (const { file, edit } of hooks) {
    context.signal.throwIfAborted();
    try {
      await edit(files, context);
      await files.settled();
    } catch (error) {
      context.signal.throwIfAborted();
      throw failed(file, context.digest, error);
    }
  }
}

async function load(file: string, image: string): Promise<HookFunction> {
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw failed(file, image, error);
  }
  if (typeof module.default === "function") return module.default as HookFunction;
  throw failed(file, image, new Error("it exports no function as its default"));
}

function failed(hook: string, reference: string, cause: unknown): RootfsError<"HOOK_FAILED"> {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RootfsError("HOOK_FAILED", `the hook ${hook} failed: ${reason}`, { reference, hook }, { cause });
}
