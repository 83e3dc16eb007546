import type { MirrorErrorCode } from "@tranship/core";
import type { RegistryErrorCode } from "@tranship/registry";
import type { Finding } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";
import { listing } from "./local-failures.ts";

type Told = Omit<Finding, "causes"> & { readonly cause: string; readonly advice: readonly string[] };

/** Codes of core that are told by what lies below them, or have a class of their own elsewhere. */
type ToldElsewhere = "SELECTION_INVALID" | "TRANSFER_FAILED" | "IMAGE_NOT_FOUND" | "NO_SPACE" | "FILE_FAILED";

/** Codes of core that say all there is to say, whatever lies below. */
const mirrorCodes: Readonly<Record<Exclude<MirrorErrorCode, ToldElsewhere>, Told>> = {
  NOT_IN_CATALOG: {
    class: "selection",
    category: "what was asked for is not in the catalog",
    cause: "the name is misspelt, or this source does not have it",
    advice: ["`tranship plan --source …` without names shows what there is"],
  },
  IMAGE_FILE_INVALID: {
    class: "corrupt",
    category: "a file inside an image cannot be used",
    cause: "the image was made wrongly, or for another program",
    advice: ["ask whoever published it; `tranship pull --keep-going` mirrors everything else"],
  },
  IMAGE_META_NOT_FOUND: {
    class: "bundle",
    category: "the image layout does not have it",
    cause: "the tag is misspelt, or was never there",
    advice: ["check the tag and the folder"],
  },
  LAYOUT_INVALID: {
    class: "bundle",
    category: "the folder is no usable image layout",
    cause: "another folder is meant, or its content is damaged",
    advice: [
      "an image layout has a file oci-layout and index.json; oci:DIR is the folder above layouts, or one of them",
    ],
  },
  BUNDLE_NOT_FOUND: {
    class: "bundle",
    category: "there is no bundle",
    cause: "another folder is meant",
    advice: ["give the folder a pull wrote; a directory of image layouts is written oci:DIR"],
  },
  BUNDLE_UNFINISHED: {
    class: "bundle",
    category: "the bundle is not finished",
    cause: "its pull or repair was interrupted, or is still running",
    advice: ["run the pull or the repair again to finish it, or give it up with `tranship clean`"],
  },
  BUNDLE_LOCKED: {
    class: "bundle-locked",
    category: "somebody else is writing the bundle",
    cause: "another pull, repair or clean is running",
    advice: ["wait for it, or stop it"],
  },
  BUNDLE_NOT_EMPTY: {
    class: "bundle",
    category: "the folder holds something else",
    cause: "it has files a pull must not overwrite",
    advice: ["give an empty folder, or the folder of an earlier pull"],
  },
  ARCHIVE_INVALID: {
    class: "bundle-damaged",
    category: "an archive is damaged",
    cause: "it was changed on the way or on the medium, or a chunk is missing",
    advice: [
      "copy the archive again, or let `tranship repair BUNDLE --source …` fetch what is damaged, and nothing else",
    ],
  },
  BUNDLE_UNLOCKED: {
    class: "bundle",
    category: "nothing says what the bundle should hold",
    cause: "it has no tranship.lock.json",
    advice: ["only a bundle that `tranship pull` finished can be repaired; pull it anew"],
  },
  BASE_MISSING: {
    class: "base",
    category: "the base of the bundle is not here",
    cause: "the bundle leaves out what the other side was said to have, and it does not",
    advice: [
      "bring the base first, or give its bundle beside this one",
      "`tranship pull --source …` without a base makes a bundle that needs none",
    ],
  },
  INVENTORY_INVALID: {
    class: "base",
    category: "the base cannot be read",
    cause: "the file is none, is damaged, or comes from a later version",
    advice: [
      "a base is what `tranship inventory -o` or `tranship plan -o` wrote, or the tranship.lock.json of a finished bundle",
    ],
  },
  REPOSITORIES_UNKNOWN: {
    class: "request-refused",
    category: "the registry does not say which repositories it has",
    cause: "it has no catalog, or not for this user",
    advice: [
      "name its repositories with --plan FILE, a plan or the lock file of a bundle it has taken in; `tranship pull --base FILE` takes such a file too, without asking the registry",
    ],
  },
  SPARSE_INDEX_REFUSED: {
    class: "request-refused",
    category: "the registry takes no sparse index",
    cause: "it looks for all that an index lists, and what is for other platforms was left out",
    advice: [
      "pull without --sparse: indexes are narrowed to the platforms, and get other digests",
      "pull without --platform: all that the indexes list is brought",
    ],
  },
  TAG_CONFLICT: {
    class: "conflict",
    category: "tags at the target name other images",
    cause: "somebody else pushed there, or a tag was moved",
    advice: ["--on-conflict overwrite gives them the bundle's images, --on-conflict skip leaves them as they are"],
  },
  TAG_MOVED: {
    class: "conflict",
    category: "a tag is not the image that was asked for",
    cause: "it was moved at the source, or the digest is another image's",
    advice: ["ask for the digest alone, or for the tag alone after looking at what it is now"],
  },
  PATH_CONFLICT: {
    class: "conflict",
    category: "two images would be stored under one path and tag",
    cause: "paths without hosts, or rewrites, make the same of two sources; or one image is asked for in two ways",
    advice: [
      "keep the hosts in the paths, or give one of the sources a path of its own with --image-rewrite FROM=TO",
      "of two references to one repository, leave one out; with --platform, a tag is another image than its digest",
    ],
  },
  FILE_TOO_LARGE: {
    class: "file",
    category: "a file would be too large",
    cause: "the file system has a limit, as FAT32 has at 4 GiB; of an index.json, 64 MiB are read",
    advice: [
      "`tranship pull --chunk-size 4GB` splits archives into files such a file system can hold",
      "for an index.json: select fewer images of that repository, and bring the others in a second bundle",
    ],
  },
  PLAN_OUTDATED: {
    class: "plan",
    category: "the plan is no longer true",
    cause: "the source has changed since",
    advice: ["plan anew: with `tranship plan -o`; an interrupted pull with `tranship pull --restart`"],
  },
  PLAN_INVALID: {
    class: "plan",
    category: "the plan cannot be followed",
    cause: "it is damaged, was changed, or comes from a later version",
    advice: [
      "a plan is what `tranship plan -o` writes or a bundle has as its lock; `tranship pull --restart` makes a damaged lock anew",
    ],
  },
};

/** Codes of the client that are classes by themselves. */
const registryCodes: { readonly [Code in RegistryErrorCode]?: Told } = {
  INVALID_REFERENCE: {
    class: "usage",
    category: "this is no name of a registry, repository or image",
    cause: "it is misspelt",
    advice: ["write a place as host[:port]/path, without a scheme, tag or digest"],
  },
  INVALID_MANIFEST: {
    class: "image",
    category: "a manifest is none that can be used",
    cause: "it was made wrongly, or by a tool of another time, as docker's schema 1",
    advice: ["pull the image and push it anew with a current tool, or ask whoever published it"],
  },
  CREDENTIALS_UNUSABLE: {
    class: "credentials",
    category: "the stored credentials cannot be used",
    cause: "a configuration file is damaged, or a helper program failed",
    advice: ["repair or remove what it names, log in again, or give --registry-login, which asks none of them"],
  },
  DIGEST_MISMATCH: {
    class: "corrupt",
    category: "the bytes are not the ones that were asked for",
    cause: "something on the way or in the store changed them; nothing of it was used",
    advice: ["run the command again; if it stays so, the registry's store is damaged: tell its administrator"],
  },
  SIZE_MISMATCH: {
    class: "corrupt",
    category: "more or fewer bytes came than there are",
    cause: "something on the way or in the store changed them; nothing of it was used",
    advice: ["run the command again; if it stays so, the registry's store is damaged: tell its administrator"],
  },
  TOO_LARGE: {
    class: "too-large",
    category: "an answer is larger than anything of its kind should be",
    cause: "this is no registry, or it means harm; nothing of it was used",
    advice: ["ask the registry's administrator"],
  },
};

/** A failure that core has a code of its own for: it outranks whatever it came from. */
export function mirrorFinding({ mirror, registry, words }: FailureFacts): Finding | undefined {
  const finding = findingOf(mirror && (mirrorCodes as { readonly [code: string]: Told })[mirror.code]);
  if (!finding || mirror?.code !== "REPOSITORIES_UNKNOWN" || registry?.code !== "UNAUTHORIZED") return finding;
  // some registries say so to everybody, others to strangers
  const stranger = {
    cause: "no credentials were found, or they are not the right ones any more",
    advice: [words.login],
  };
  return { ...finding, causes: [stranger, ...finding.causes] };
}

/** A failure that the client has a code of its own for. */
export function registryFinding({ registry }: FailureFacts): Finding | undefined {
  return findingOf(registry && registryCodes[registry.code]);
}

/** A file that cannot be read or written for any other reason. */
export function fileFinding({ mirror, registry, errors }: FailureFacts): Finding | undefined {
  if (mirror?.code !== "FILE_FAILED" && (registry !== undefined || !errors.some(isOfFile))) return undefined;
  const causes = [
    { cause: "it is gone, is of another kind, or its device failed", advice: [`look at it: ${listing(errors)}`] },
  ];
  return { class: "file", category: "a file cannot be used", causes };
}

/** What the system says of a file names it. */
function isOfFile(error: Error): boolean {
  const { code, path } = error as NodeJS.ErrnoException;
  return typeof code === "string" && typeof path === "string";
}

function findingOf(told: Told | undefined): Finding | undefined {
  if (!told) return undefined;
  const { cause, advice, ...rest } = told;
  return { ...rest, causes: [{ cause, advice }] };
}
