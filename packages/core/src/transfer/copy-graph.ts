import {
  type CallOptions,
  type Descriptor,
  type Digest,
  formatName,
  isDigest,
  parseManifest,
  type RepositoryReader,
  type RepositoryWriter,
  type Tag,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { notFound } from "../layout/not-found.ts";
import { Copier } from "./copier.ts";
import { CopySteps, type CopyTotals } from "./copy-steps.ts";
import { type Graph, graphOf } from "./graph.ts";
import { runSteps } from "./run-steps.ts";

/** Options of {@link copyGraph}. */
export interface CopyGraphOptions extends CallOptions {
  /** Names to give the copy. @defaultValue the tag it was asked by; none for a descriptor */
  readonly tags?: readonly Tag[] | undefined;
  /** Blobs and manifests under way at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/** What {@link copyGraph} did; plain data. `outcome` is `present` when every name meant that image at the target. */
export interface CopyGraphReport extends CopyTotals {
  readonly descriptor: Descriptor;
  readonly outcome: "written" | "present";
}

/**
 * Copies one image or index, with everything it leads to, from one repository to another: blobs, then the manifests of
 * an index, then the manifest under its names. When the target has it under those names, nothing is sent; but one that
 * refers to another also has to be listed there among what does, as a copy may have ended between the two.
 * @throws MirrorError `TRANSFER_FAILED`
 */
export async function copyGraph(
  from: RepositoryReader,
  to: RepositoryReader & RepositoryWriter,
  root: Descriptor | Tag,
  {
    signal,
    tags = typeof root === "string" && !isDigest(root) ? [root] : [],
    inFlight = 8,
    onEvent,
  }: CopyGraphOptions = {},
): Promise<CopyGraphReport> {
  const image = formatName("", typeof root === "string" ? root : (tags[0] ?? root.digest));
  const copier = new Copier({ from, to, path: to.name, label: from.name }, (event) => onEvent?.(event));
  const ask = async <T>(side: "source" | "target", question: () => Promise<T>): Promise<T> => {
    try {
      signal?.throwIfAborted();
      return await question();
    } catch (error) {
      throw copier.failure(error, side, image, signal);
    }
  };
  const descriptor = await ask("source", () => resolveRoot(from, root, signal));
  const steps = new CopySteps();
  const named = await ask("target", () =>
    Promise.all((tags.length > 0 ? tags : [descriptor.digest]).map((name) => to.resolve(name, { signal }))),
  );
  const isNamed = named.every((there) => there?.digest === descriptor.digest);
  const subject = isNamed ? await ask("source", () => subjectOf(from, descriptor, signal)) : undefined;
  if (isNamed && (!subject || (await ask("target", () => isListed(to, subject, descriptor.digest, signal))))) {
    for (const tag of tags) copier.tell(tag, { descriptor }, "present");
    return { descriptor, outcome: "present", ...steps.totals };
  }
  const graph: Graph = await ask("source", () => graphOf(from, descriptor, { signal }));
  steps.addImage({ copier, graph, tags, image });
  await runSteps(steps.steps, { inFlight, signal });
  return { descriptor, outcome: "written", ...steps.totals };
}

async function subjectOf(
  from: RepositoryReader,
  { digest }: Descriptor,
  signal?: AbortSignal,
): Promise<Digest | undefined> {
  return parseManifest(await from.manifest(digest, { signal })).subject?.digest;
}

async function isListed(to: RepositoryReader, subject: Digest, digest: Digest, signal?: AbortSignal): Promise<boolean> {
  for await (const referrer of to.referrers(subject, { signal })) if (referrer.digest === digest) return true;
  return false;
}

async function resolveRoot(from: RepositoryReader, root: Descriptor | Tag, signal?: AbortSignal): Promise<Descriptor> {
  if (typeof root !== "string") return root;
  const descriptor = await from.resolve(root, { signal });
  if (descriptor) return descriptor;
  throw notFound(from.name, root);
}
