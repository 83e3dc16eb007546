import { resolve } from "node:path";
import type { OnDepsEvent } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import { checkConnectionFlags } from "../flags/connection-flags.ts";
import type { DepsAction, DepsFlags } from "../flags/deps-flags.ts";
import { UsageError } from "../usage-error.ts";
import { exportTo, importFrom, requireArchive } from "./archive-actions.ts";
import { cacheFolder, isPodplane, runSettings } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";
import { CliDepsAccess } from "./deps-access.ts";
import { depsEvents } from "./deps-events.ts";
import { download, plan, status, verify } from "./manifest-actions.ts";
import { ownWork } from "./own-work.ts";
import { podplaneWork } from "./podplane-work.ts";
import { serve } from "./serve-action.ts";
import { prune } from "./upkeep-actions.ts";

/** Does what `tranship deps ACTION` asks for. @throws UsageError before anything is asked; DepsError */
export async function runDeps(
  action: DepsAction,
  file: string | undefined,
  flags: DepsFlags,
  context: CliContext,
): Promise<void> {
  if (file !== undefined && action !== "export" && action !== "import")
    throw new UsageError(`deps ${action} takes no file: ${file} is one too many`);
  checkConnectionFlags(flags);
  if (action === "serve") return await serve(flags, context);
  const onEvent = depsEvents(context);
  await using access = await CliDepsAccess.open(flags, context);
  const work = () => workOf(flags, { context, access, onEvent });
  switch (action) {
    case "plan":
      return await plan(await work(), context);
    case "download":
      return await (flags.dryRun ? plan : download)(await work(), context);
    case "verify":
      return await verify(await work(), flags, context, onEvent);
    case "status":
      return await status(await work(), context);
    case "prune":
      return await prune(await work(), flags, context, onEvent);
    case "export":
      return await exportTo(requireArchive(file, action), await work(), context, onEvent);
    case "import":
      return await importFrom(requireArchive(file, action), flags, context, onEvent);
  }
}

async function workOf(
  flags: DepsFlags,
  parts: { readonly context: CliContext; readonly access: CliDepsAccess; readonly onEvent: OnDepsEvent },
): Promise<CacheWork> {
  const isPreset = isPodplane(flags);
  const folder = resolve(cacheFolder(flags, parts.context)); // by the name that others know it by: podplane's images are beside that
  const settings = runSettings(flags);
  return await (isPreset ? podplaneWork : ownWork)(folder, flags, settings, parts);
}
