import type { RootfsErrorCode, RootfsErrorDetails } from "@tranship/core/rootfs";
import { limitFlagName } from "../flags/limit-flag.ts";
import type { Finding, PossibleCause } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

/** Codes that are told by what lies below them, or that no command meets. */
type ToldElsewhere =
  | "SOURCE_FAILED"
  | "FILE_FAILED"
  | "NO_SPACE"
  | "EDIT_FAILED"
  | "ARTIFACT_ID_INVALID"
  | "ARTIFACT_BUSY"
  | "ARTIFACT_MISMATCH"
  | "STORE_UNUSABLE";

type ToldCode = Exclude<RootfsErrorCode, ToldElsewhere>;

type Find<Code extends ToldCode> = (details: RootfsErrorDetails[Code], facts: FailureFacts) => Finding;

const findings: { readonly [Code in ToldCode]: Find<Code> } = {
  REFERENCE_INVALID: () =>
    finding(
      "usage",
      "this is no name of an image",
      "it is misspelt",
      "write it as [host/]path:TAG or [host/]path@DIGEST",
    ),
  IMAGE_NOT_FOUND: ({ reference, offered }) =>
    finding(
      "image-not-found",
      offered.length === 0
        ? "there is no image"
        : reference === ""
          ? "there is more than one image"
          : "the image is not there",
      offered.length > 0 && reference === "" ? "none was named" : "the name is misspelt, or another place is meant",
      offered.length > 0 ? `name one of these: ${listed(offered)}` : "check the place in --source",
    ),
  PLATFORM_NOT_FOUND: ({ offered }) =>
    finding(
      "platform",
      "the image is not for this platform",
      "it was not built for it, or that lies under another tag",
      offered.length > 0 ? `--platform takes one of these: ${listed(offered)}` : "ask for another image",
    ),
  PLATFORM_MISMATCH: ({ actual }) =>
    finding(
      "platform",
      "the image is for another platform",
      "this name has only that one",
      `--platform ${actual} takes it: it runs on a machine of that kind`,
    ),
  IMAGE_INVALID: () =>
    finding(
      "image",
      "the image cannot be used",
      "it is an artifact of another kind, or was made wrongly",
      "check the name: charts, signatures and attestations have no files to unpack; or ask whoever published it",
    ),
  LAYER_INVALID: () =>
    finding(
      "image",
      "a layer of the image cannot be unpacked",
      "it was made wrongly, or by a tool that is not understood here",
      "ask whoever published it; nothing of it was written",
    ),
  LAYER_FOREIGN: ({ hosts }) =>
    finding(
      "image",
      "a layer of the image is not in its registry",
      "its maker only says where else it is",
      `push it with all its layers first; they are at ${listed(hosts)}`,
    ),
  LAYER_MISMATCH: (_details, { words }) =>
    finding(
      "corrupt",
      "the bytes of a layer are not the ones they should be",
      "something on the way or in the store changed them, or the image was made wrongly; nothing of it was written",
      words.again,
      "if it stays so, ask whoever published it",
    ),
  LIMIT_EXCEEDED: ({ limit, max }) =>
    finding(
      "too-large",
      "the image asks for more than it may of this machine",
      "it is very large, or means harm",
      `where it is trusted, allow more: --limit ${limitFlagName(limit) ?? limit}=N with N above ${max}`,
    ),
  CREDENTIALS_EXPOSED: () =>
    finding(
      "credentials",
      "credentials would travel where others can read them",
      "the registry or the daemon is asked without TLS",
      "use TLS; --insecure sends them all the same",
    ),
  SOURCE_UNPREPARED: () =>
    finding("image", "the image cannot be read in this way", "another --mode is needed", "leave --mode out"),
  HOOK_FAILED: () =>
    finding(
      "hook",
      "a hook failed",
      "it met something that it did not expect, or has a fault",
      "nothing was written; mend the hook and run it again",
    ),
  OUTPUT_EXISTS: () =>
    finding(
      "file",
      "something is where the output goes",
      "it was made meanwhile",
      "--replace puts the new one in its place",
    ),
  SIZE_TOO_SMALL: ({ neededBytes }) =>
    finding(
      "size",
      "the files do not fit into an image of that size",
      "--size is too small",
      `give --size ${Math.ceil(neededBytes / 1024 ** 2)}MiB or more, or leave it out`,
    ),
  TREE_UNFIT: () =>
    finding(
      "image",
      "this kind of output cannot hold all that is in the image",
      "ext4 has limits on names, links and attributes",
      "write a tar archive, which holds it; or let a --hook take it away",
    ),
  TOOL_MISSING: ({ tool }) =>
    finding("tool", `the program ${tool} is missing`, "it is not installed, or not on PATH", ...installing(tool)),
  TOOL_UNFIT: ({ tool }) =>
    finding(
      "tool",
      `the program ${tool} cannot do what is needed`,
      "it is too old, or built without it",
      ...installing(tool),
    ),
  TOOL_FAILED: ({ tool }, { words }) =>
    finding("tool", `the program ${tool} failed`, "what it said is above", words.again, ...installing(tool)),
  DAEMON_FAILED: ({ endpoint }) =>
    finding(
      "tool",
      "the Docker daemon did not do it",
      "it does not run, or this user may not ask it",
      `is it at ${endpoint}? DOCKER_HOST says where it is`,
      "without --mode docker, no daemon is needed",
    ),
};

/** A failure of making root file systems that its code tells all of. */
export function rootfsFinding(facts: FailureFacts): Finding | undefined {
  const { rootfs } = facts;
  const find = rootfs && (findings as { readonly [code: string]: Find<never> })[rootfs.code];
  return find?.(rootfs?.details as never, facts);
}

function finding(kind: Finding["class"], category: string, cause: string, ...advice: readonly string[]): Finding {
  const because: PossibleCause = { cause, advice };
  return { class: kind, category, causes: [because] };
}

const packages: readonly { readonly tools: readonly string[]; readonly name: string; readonly instead: string }[] = [
  { tools: ["mke2fs", "debugfs", "e2fsck"], name: "e2fsprogs", instead: "-o FILE.tar needs no program" },
  { tools: ["skopeo", "umoci", "docker"], name: "", instead: "--mode native needs no program" },
];

function installing(tool: string): readonly string[] {
  const found = packages.find(({ tools }) => tools.includes(tool));
  return [`install ${found?.name || tool}`, ...(found ? [found.instead] : [])];
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")}, …` : names.join(", ");
}
