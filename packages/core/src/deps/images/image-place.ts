import { isTag } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import type { ContentCheck } from "../jobs/item-job.ts";
import type { ArtifactSource, DepsItem, ImageSource, PushSink } from "../manifest.ts";
import { requireRepository } from "../podplane/repository-path.ts";
import { ImageStore } from "./image-store.ts";
import { type ListingRules, layoutListing, repositoryListing } from "./layout-names.ts";

/** An item that is an image or artifact of a registry. */
export interface ImageItem extends DepsItem {
  readonly source: ImageSource | ArtifactSource;
}

/** Where an image is kept. */
export interface ImagePlace {
  readonly root: string;
  /** Below the root; empty for the root itself. */
  readonly repository: string;
  readonly names: readonly string[];
  readonly rules: ListingRules;
}

/** @throws DepsError `SINK_UNSUITABLE` */
export function requireImageItem(item: DepsItem): ImageItem {
  const { source, sink } = item;
  if ((source.type === "image" || source.type === "artifact") && sink.type !== "file") return { ...item, source };
  const message = `cannot keep ${item.id}: what comes from ${source.type} does not go to ${sink.type}`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: item.id, source: source.type, sink: sink.type });
}

/** Where an item is kept; `undefined` for one that goes to a registry. @throws DepsError `REFERENCE_INVALID`, `NAME_UNSAFE` */
export function placeOf({ source, digest, sink }: ImageItem): ImagePlace | undefined {
  const tag = source.type === "artifact" && digest === undefined ? source.tag : undefined;
  switch (sink.type) {
    case "repository-layout": {
      const names = namesOf(sink.tags, tag);
      const wrong = names.find((name) => !isTag(name));
      if (wrong !== undefined) throw invalidTag(wrong);
      const repository = requireRepository(sink.repository, "repository");
      return { root: sink.root, repository, names, rules: repositoryListing };
    }
    case "layout":
      return { root: sink.path, repository: "", names: namesOf(sink.names, tag), rules: layoutListing };
    default:
      return undefined;
  }
}

/** The names an item has in the registry it goes to. @throws DepsError `REFERENCE_INVALID` */
export function tagsAt({ tags }: PushSink): readonly string[] {
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) throw invalidTag(wrong);
  return tags;
}

/** The image as its registry has it. */
export function referenceOf({ source, digest }: ImageItem): string {
  const { registry, repository } = source;
  const name = digest !== undefined ? `@${digest}` : source.type === "artifact" ? `:${source.tag ?? ""}` : "";
  return `${registry}/${repository}${name}`;
}

/** The store of a place that is made if it must be. */
export async function makeStore(contents: ContentCheck, root: string): Promise<ImageStore> {
  const store = await ImageStore.at(contents, root, true);
  if (store === undefined) throw new Error(`${root} was made and is not there`); // somebody took it away in between
  return store;
}

/** Without a digest nothing but a name leads to it: then it has that of its source. */
function namesOf(names: readonly string[], tag: string | undefined): readonly string[] {
  return names.length > 0 || tag === undefined ? names : [tag];
}

function invalidTag(text: string): DepsError<"REFERENCE_INVALID"> {
  const reference = text.slice(0, 300);
  const reason = "it is no tag";
  return new DepsError("REFERENCE_INVALID", `cannot use ${JSON.stringify(reference)}: ${reason}`, {
    reference,
    reason,
  });
}
