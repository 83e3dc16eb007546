import type { DepsErrorCode, DepsErrorDetails } from "@tranship/core/deps";
import type { Finding, PossibleCause } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

/** Codes that are told by what lies below them. */
type ToldElsewhere = "FILE_FAILED" | "NO_SPACE" | "TRANSFER_FAILED" | "ABORTED";

type ToldCode = Exclude<DepsErrorCode, ToldElsewhere>;

type Find<Code extends ToldCode> = (details: DepsErrorDetails[Code], facts: FailureFacts) => Finding;

const publisher = "tell whoever publishes the manifest; a corrected copy can be given as a local file";
const ownManifest = "mend the manifest where it is yours; else tell whoever publishes it";
const again = "run `tranship deps download` again: it fetches what is missing, and nothing else";

const findings: { readonly [Code in ToldCode]: Find<Code> } = {
  NOT_CACHED: () =>
    finding("cache", "nothing is in the cache yet", "it was never filled, or another folder is meant", [
      "fill it with `tranship deps download`, or give --cache the folder that is meant",
    ]),
  INCOMPLETE: () =>
    finding("cache", "the cache is not whole", "a download was interrupted, or a file was changed or removed", [again]),
  DIGEST_MISSING: () =>
    finding("manifest", "an item has no digest", "the manifest does not say what its content must be", [ownManifest]),
  DIGEST_FORMAT: () =>
    finding("manifest", "a digest cannot be read", "it is written wrongly", [
      "write it as sha256:… or sha512:… with hexadecimal digits",
    ]),
  DIGEST_ALGORITHM: ({ allowed }) =>
    finding("manifest", "a digest is of another algorithm", "it is not one that may be here", [
      `give the digest as ${allowed.join(" or ")}`,
    ]),
  DIGEST_LENGTH: ({ expected }) =>
    finding("manifest", "a digest is too long or too short", "it was cut or copied wrongly", [
      `it has ${expected} hexadecimal digits`,
    ]),
  DIGEST_MISMATCH: (_details, { words }) =>
    finding(
      "corrupt",
      "the bytes are not the ones the manifest asks for",
      "something on the way changed them, or the server has another file by now; nothing of it was used",
      [words.again, "if it stays so, compare the digest with what the publisher says"],
    ),
  SIZE_MISSING: () => finding("manifest", "an item has no size", "the manifest does not say it", [ownManifest]),
  SIZE_MISMATCH: (_details, { words }) =>
    finding(
      "corrupt",
      "more or fewer bytes came than the manifest says",
      "the server has another file by now, or the manifest is wrong; nothing of it was used",
      [words.again, publisher],
    ),
  URL_MISSING: () => finding("manifest", "an item does not say where it is", "it has no address", [ownManifest]),
  URL_INVALID: () =>
    finding("manifest", "an address cannot be used", "it is no address that things are fetched from here", [
      "write it with https:// and a host; plain http needs a digest, and for manifests --pin or --public-key",
    ]),
  REFERENCE_MISSING: () => finding("manifest", "an image row names no image", "it is empty", [ownManifest]),
  REFERENCE_INVALID: () =>
    finding("manifest", "this is no name of an image", "it is misspelt", ["write it as host/path:TAG@DIGEST"]),
  STUB_PUBLISHED: () =>
    finding("manifest", "the published manifest is not released", "it stands for a package that is not there yet", [
      "wait for its release; a manifest of your own build is given with --vmconfig FILE",
    ]),
  ARCH_UNSUPPORTED: ({ supported }) =>
    finding("usage", "this architecture cannot be chosen", "it is misspelt, or not supported", [
      `--arch takes ${supported.join(", ")}, with commas between several`,
    ]),
  HTTP_STATUS: ({ status }, { words }) => statusFinding(status, words.again),
  NOT_FOUND: () =>
    finding("not-found", "the server does not have it", "it was moved or removed, or its address is wrong", [
      "check the address, or --base-url for manifests",
      publisher,
    ]),
  MANIFEST_PARSE: ({ path }) =>
    finding(
      "manifest",
      "a manifest cannot be read",
      "it is damaged, of another format, or of a later version than this program knows",
      [
        path === "" ? "check that it is the file that is meant" : `look at its key ${path}`,
        "a damaged copy in a cache is made anew by `tranship deps download`",
      ],
    ),
  CHART_TYPE: () => finding("manifest", "a chart cannot be used", "its type or its source is wrong", [ownManifest]),
  CHART_LAYER: () =>
    finding("corrupt", "an artifact has no chart in it", "it is no Helm chart, or was made wrongly", [publisher]),
  SEED_SOURCE: () => finding("manifest", "a snapshot has no source, or two", "its row is wrong", [ownManifest]),
  SEED_VERSION: () =>
    finding("cache", "the seeds are of another version", "a newer one was published meanwhile", [
      "ask for the version there is, or fill the cache from a manifest of that version with --seeds FILE",
    ]),
  GIT_SOURCE: () =>
    finding("manifest", "a git source cannot be used", "its address is wrong, or it names not exactly one ref", [
      "check the address, and that its branch, tag, version or commit is there",
    ]),
  NAME_UNSAFE: () =>
    finding("manifest", "a name could leave the cache", "it is written wrongly, or means harm; nothing was written", [
      publisher,
    ]),
  PATH_CONFLICT: ({ items }) =>
    finding("manifest", "two items would be in the same place", "they have the same name and different content", [
      `choose one of ${items.slice(0, 4).join(", ")}, or give them different places`,
    ]),
  SELECTION_INVALID: () =>
    finding("usage", "the choice cannot be read", "it is misspelt", ["write --select axis=value, such as arch=amd64"]),
  HOST_FORBIDDEN: ({ host }) =>
    finding("host-forbidden", "the manifest leads to a host that is not allowed", "--allow-host does not name it", [
      `where it is trusted, add --allow-host ${plainHost(host)}`,
    ]),
  SINK_UNSUITABLE: () =>
    finding("manifest", "an item cannot be kept in such a place", "its source and its place do not fit", [ownManifest]),
  OFFLINE: () =>
    finding("offline", "something is not in the cache, and --offline says to ask nobody", "it was never fetched", [
      "run it once without --offline, or bring a cache with `tranship deps import`",
    ]),
  PIN_MISMATCH: () =>
    finding(
      "untrusted",
      "a manifest, or an archive, is not the one that was pinned",
      "there is a newer one, or it was tampered with",
      ["nothing of it was used; find out which, then give the new digest with --pin"],
    ),
  DOWNGRADE: () =>
    finding(
      "untrusted",
      "a manifest is older than the one that was there before",
      "its publisher took a version back, or somebody replays an old one",
      ["nothing of it was used; find out which, then give --allow-downgrade, or its digest with --pin"],
    ),
  SIGNATURE_INVALID: () =>
    finding("untrusted", "a manifest has no valid signature", "it was tampered with, or another key signed it", [
      "nothing of it was used; check --public-key, then ask whoever publishes it",
    ]),
  CACHE_LOCKED: () =>
    finding("cache-locked", "another run is changing the cache", "it is still at work", [
      "wait for it: without --no-wait and --lock-timeout this run does; or stop it",
    ]),
  CACHE_VERSION: () =>
    finding("cache", "a newer tranship has filled this cache", "it keeps notes that this one does not know", [
      "update this program, or give --cache a folder of its own",
    ]),
  TOOL_MISSING: ({ tool }) =>
    finding("tool", `the program ${tool} is missing`, "it is not installed, or not on PATH", [
      `install ${tool}`,
      ...(tool === "git" ? ["--skip-components-git does without, where the preset needs it"] : []),
    ]),
  GIT_FAILED: (_details, { words }) =>
    finding("tool", "git could not do it", "what it said is above", [
      words.again,
      "check that the address can be reached, and that git has what it needs to log in",
    ]),
  ARCHIVE_INVALID: () =>
    finding("corrupt", "the archive cannot be taken over", "it is damaged, cut off, or of another program", [
      "copy it again and compare its checksum, or make it anew with `tranship deps export`",
    ]),
  TOO_LARGE: () =>
    finding("too-large", "more came than anything of its kind should be", "it is the wrong address, or means harm", [
      "check the address; nothing of it was used",
    ]),
};

/** A failure of a cache of dependencies that its code tells all of. */
export function depsFinding(facts: FailureFacts): Finding | undefined {
  const { deps } = facts;
  const find = deps && (findings as { readonly [code: string]: Find<never> })[deps.code];
  return find?.(deps?.details as never, facts);
}

function statusFinding(status: number, again: string): Finding {
  if (status === 401 || status === 403)
    return finding(
      status === 401 ? "authentication" : "access-denied",
      status === 401 ? "the server wants to know who asks" : "the server does not give it to you",
      "it is not public, or a firewall or proxy is in the way",
      ["check the address; try it with curl from this machine"],
    );
  if (status === 429)
    return finding("rate-limited", "the server asks for rest", "too much was asked of it lately", [
      `wait, then ${again}`,
      "--concurrency and --requests-per-second ask less of it",
    ]);
  if (status >= 500) return finding("server-error", "the server failed", "it is overloaded or broken", [again]);
  return finding("request-refused", `the server answered with status ${status}`, "the address is wrong", [
    "check the address, or --base-url for manifests",
  ]);
}

function finding(kind: Finding["class"], category: string, cause: string, advice: readonly string[]): Finding {
  const because: PossibleCause = { cause, advice };
  return { class: kind, category, causes: [because] };
}

/** A host as it may stand in a command line. */
function plainHost(host: string): string {
  return /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : "HOST";
}
