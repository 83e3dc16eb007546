import * as z from "zod";

/** What the first key of a manifest says of its format. */
export const manifestFormat = "deps/v1";

/** The most items of a manifest. */
const maxItems = 100_000;

/** The longest text of a manifest but for inline content, in characters. */
const maxText = 4096;

/** An item as it is written; one of `url` to `inline` says where it comes from. */
export interface ItemRow {
  readonly id: string;
  readonly version?: string | undefined;
  readonly url?: string | undefined;
  readonly urls?: readonly string[] | undefined;
  readonly image?: string | undefined;
  readonly artifact?: string | undefined;
  readonly chart?: string | undefined;
  readonly file?: string | undefined;
  readonly git?: GitRow | undefined;
  readonly inline?: string | { readonly base64: string } | undefined;
  readonly digest?: string | undefined;
  readonly size?: number | undefined;
  readonly unpinned?: true | undefined;
  readonly platforms?: Readonly<Record<string, string>> | undefined;
  readonly for?: Readonly<Record<string, string | readonly string[]>> | undefined;
  readonly to?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly layerMediaType?: string | undefined;
}

/** A git repository as it is written, with one ref. */
export interface GitRow {
  readonly url: string;
  readonly branch?: string | undefined;
  readonly tag?: string | undefined;
  readonly semver?: string | undefined;
  readonly commit?: string | undefined;
}

/** A manifest as it is written. */
export interface ManifestFile {
  readonly tranship: typeof manifestFormat;
  readonly name: string;
  readonly version: string;
  readonly items: readonly ItemRow[];
}

const text = (description: string) => z.string().min(1).max(maxText).describe(description);
const digest = (description: string) => z.string().min(1).max(200).describe(description);
const listOf = <Value extends z.ZodType>(value: Value) => z.array(value).min(1).max(1000);

const git = z
  .strictObject({
    url: text("Its address: https://, http://, ssh:// or git://, or user@host:path."),
    branch: text("A branch; it may move.").optional(),
    tag: text("A tag.").optional(),
    semver: text("An exact version, such as 1.2 or v1.2.3.").optional(),
    commit: text("A commit.").optional(),
  })
  .describe("A git repository to mirror, and the one branch, tag, semver or commit that must be in it.");

const inline = z
  .union([z.string(), z.strictObject({ base64: z.base64().describe("The bytes, in Base64.") })])
  .describe("The content itself: text, or bytes in Base64.");

/** Schema of an item. That it has one source, and the keys that go with it, is told apart from this. */
const itemSchema: z.ZodType<ItemRow> = z.strictObject({
  id: text("What tells the item from the others: names with / between them, such as runc or tools/helm."),
  version: text("For people and reports.").optional(),
  url: text("A file: its http or https address.").optional(),
  urls: listOf(text("An http or https address."))
    .describe("A file: addresses that all have it; the first is asked first.")
    .optional(),
  image: text("An image: host/repository:tag@digest.").optional(),
  artifact: text("An artifact of a registry: host/repository:tag@digest.").optional(),
  chart: text(
    "A Helm chart: oci://host/repository:tag@digest, or, in a local manifest, the folder of an unpacked one.",
  ).optional(),
  file: text("A local file, beside the manifest unless its path is absolute; only in a local manifest.").optional(),
  git: git.optional(),
  inline: inline.optional(),
  digest: digest(
    "What the content must hash to, as sha256:… or sha512:…: of a file its bytes, of an image its manifest; with platforms, that of the index they are listed in.",
  ).optional(),
  size: z.number().int().positive().describe("Of a file or an image with all it needs, in bytes.").optional(),
  unpinned: z.literal(true).describe("Takes whatever is there: nothing says what it must be.").optional(),
  platforms: z
    .record(z.string().max(200), digest("The digest of the manifest for this platform."))
    .describe("Of an image for several platforms, those that are kept, such as linux/arm64, and their manifests.")
    .optional(),
  for: z
    .record(
      z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9._-]{0,63}$/, "an axis is a name such as arch, of letters, digits, . _ and -"),
      z.union([text("A value."), listOf(text("A value."))]),
    )
    .describe("What the item is for, by axis, such as arch: [arm64]. Without an axis it is for all of it.")
    .optional(),
  to: text(
    "Where a file goes below the folder of files (default: its id, and the last part of its address).",
  ).optional(),
  tags: listOf(text("A tag."))
    .describe("What an image, artifact or chart is called where it is kept (default: its tag).")
    .optional(),
  layerMediaType: text("Of an artifact with several layers, the media type of the one that is meant.").optional(),
});

/** Schema of a manifest. */
export const manifestSchema: z.ZodType<ManifestFile> = z
  .strictObject({
    tranship: z.literal(manifestFormat).describe("The format of this file."),
    name: text("What the manifest is called."),
    version: text("The manifest's own version."),
    items: z.array(itemSchema).max(maxItems).describe("What is depended on."),
  })
  .describe("What an installer depends on.");
