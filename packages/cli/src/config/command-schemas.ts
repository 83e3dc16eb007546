import * as z from "zod";
import type { PullConfig, PushConfig, RootfsConfig, ServeConfig, VerifyConfig } from "./config.ts";
import { credentialReference } from "./credential-schema.ts";
import { chunkSizeFault, durationFault, listenFault, platformFault } from "./value-checks.ts";
import { checked, measure, text, together, yes } from "./values.ts";

/** Schema of how `tranship pull` works. */
export const pullSchema: z.ZodType<PullConfig> = z
  .strictObject({
    chunkSize: checked(
      measure(),
      "Splits archives into files of at most this size, such as 700MB, 4GB or 4GiB.",
      chunkSizeFault,
    ).optional(),
    checksums: z
      .array(z.enum(["sha256", "gost"]).describe("The kind of checksum."))
      .describe("Checksums to write beside every archive or chunk.")
      .optional(),
    base: z
      .array(text("An inventory, a plan or a tranship.lock.json."))
      .describe("Files that say which layers the other side has; they are left out.")
      .optional(),
    plan: text("Transfers exactly what this plan or tranship.lock.json names.").optional(),
    frozen: yes("Plans nothing: refuses to run without a plan.").optional(),
    keepGoing: yes(
      "Finishes everything else when a package, module or image fails, and ends with exit code 3.",
    ).optional(),
    accessTimeout: checked(
      measure(),
      "How long a catalog may give no answer, such as 15s; 0 for ever.",
      durationFault,
    ).optional(),
    force: yes("Writes into a folder that holds archives of somebody else, too.").optional(),
    verboseSummary: yes("Names every version in the summary.").optional(),
  })
  .superRefine(({ plan, frozen }, context) => {
    if (frozen && plan === undefined)
      context.addIssue({
        code: "custom",
        path: ["frozen"],
        message: "it needs plan beside it, which says what to transfer",
      });
  })
  .describe("How tranship plan and pull work, and tranship sync as far as it plans.");

/** Schema of how `tranship push` works. */
export const pushSchema: z.ZodType<PushConfig> = z
  .strictObject({
    files: z
      .array(text("An archive, or any one of its chunks."))
      .describe("Archives to push beside the bundle.")
      .optional(),
    onConflict: z
      .enum(["overwrite", "skip", "fail"])
      .describe("What becomes of a tag that names another image at the target; overwrite unless told.")
      .optional(),
    trustBundle: yes("Does not hash the bundle before the first write.").optional(),
    writeProbe: yes("Whether it is tried first that the target can be written; true unless told.").optional(),
  })
  .describe("How tranship push works, and what tranship sync does with tags that are there.");

/** Schema of how `tranship verify` works. */
export const verifySchema: z.ZodType<VerifyConfig> = z
  .strictObject({
    place: z
      .enum(["bundle", "target"])
      .describe("What is verified: the bundle unless told, or the target against the plan.")
      .optional(),
    plan: text(
      "What has to be there: a plan, or a tranship.lock.json; for the target that of the bundle unless told.",
    ).optional(),
    evidence: text("Where what was verified is written as JSON.").optional(),
  })
  .describe("What tranship verify reads.");

/** Schema of how `tranship serve` works. */
export const serveSchema: z.ZodType<ServeConfig> = z
  .strictObject({
    place: text("oci:DIR or bundle:DIR; the bundle unless told.").optional(),
    listen: checked(
      z.string(),
      "The address, such as 127.0.0.1:5000 (unless told) or :5000 for all of this machine's.",
      listenFault,
    ).optional(),
    writable: yes("Takes pushes and deletes too.").optional(),
    credentials: credentialReference("What everybody is asked for: a user name and its password.").optional(),
    tlsCert: text("The certificate chain to speak HTTPS with, PEM; with tlsKey.").optional(),
    tlsKey: text("The private key of tlsCert, PEM.").optional(),
    verbose: yes("Tells of each request.").optional(),
  })
  .superRefine(together("tlsCert", "tlsKey"))
  .superRefine(({ credentials }, context) => {
    if (credentials === undefined || (credentials.docker === undefined && credentials.env?.license === undefined))
      return;
    const message = "a server asks for one user name and password: env with both, or file";
    context.addIssue({ code: "custom", path: ["credentials"], message });
  })
  .describe("How tranship serve works.");

/** Schema of how `tranship rootfs` works. */
export const rootfsSchema: z.ZodType<RootfsConfig> = z
  .strictObject({
    platform: checked(
      z.string(),
      "The platform that is taken, such as linux/arm64; linux on this machine unless told.",
      platformFault,
    ).optional(),
    mode: z
      .enum(["native", "dockerless", "docker"])
      .describe("Who reads an image of a registry: this program (unless told), skopeo and umoci, or a Docker daemon.")
      .optional(),
    journal: yes("Gives ext4 images a journal, for a guest that writes to them.").optional(),
    layerCache: text("A folder for the layers that are fetched.").optional(),
    jobs: z.number().int().min(1).max(99).describe("Layers fetched at once; 6 unless told.").optional(),
  })
  .describe("How tranship rootfs works.");
