import * as z from "zod";
import type { ModulesConfig, PackagesConfig } from "./config.ts";
import { excludeFault, includeFault, pathFault } from "./value-checks.ts";
import { checked, text, yes } from "./values.ts";

const nameAndVersions = z.strictObject({
  name: text("The name, as the catalog lists it."),
  versions: text(
    "Which versions, such as ^1.45, '>=1.3 <2' or =v1.0.3; without, those in release channels.",
  ).optional(),
});

const include = (what: string) =>
  z
    .array(
      checked(z.union([z.string(), nameAndVersions]), "name, name@=TAG or name@RANGE; or the two apart.", includeFault),
    )
    .describe(`Only these ${what}.`);

const exclude = (what: string) =>
  z.array(checked(z.string(), "A name, or name@RANGE.", excludeFault)).describe(`All ${what} but these.`);

/** Of a catalog only one way to choose can be meant. */
function oneWay(
  { include, exclude }: { include?: unknown[] | undefined; exclude?: unknown[] | undefined },
  context: z.RefinementCtx,
): void {
  if ((include ?? []).length > 0 && (exclude ?? []).length > 0)
    context.addIssue({ code: "custom", path: ["exclude"], message: "include and exclude exclude each other" });
}

const enabled = (what: string) => yes(`Whether ${what} are mirrored; true unless told.`);
const targetPath = (what: string, usual: string) =>
  checked(z.string(), `Where ${what} go below the target; ${usual} unless told, / is the target itself.`, pathFault);

/** Schema of what is wanted of the source's packages. */
export const packagesSchema: z.ZodType<PackagesConfig> = z
  .strictObject({
    enabled: enabled("packages").optional(),
    catalogMetadata: yes(
      "Whether package-versions.tar, the release metadata of the catalog, is brought; true unless told.",
    ).optional(),
    include: include("packages").optional(),
    exclude: exclude("packages").optional(),
    targetPath: targetPath("packages", "/packages").optional(),
  })
  .superRefine(oneWay)
  .describe("Packages of the source.");

/** Schema of what is wanted of the source's modules. */
export const modulesSchema: z.ZodType<ModulesConfig> = z
  .strictObject({
    enabled: enabled("modules").optional(),
    include: include("modules").optional(),
    exclude: exclude("modules").optional(),
    sourcePath: checked(
      z.string(),
      "Where the source keeps its modules; /modules unless told, / for its root.",
      pathFault,
    ).optional(),
    targetPath: targetPath("modules", "/modules").optional(),
  })
  .superRefine(oneWay)
  .describe("Modules of the source.");
