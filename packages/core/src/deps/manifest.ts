import type { Digest, Platform } from "@tranship/registry";
import type { Selectors } from "./selectors.ts";

/** A list of what an installer depends on. */
export interface DepsManifest {
  readonly name: string;
  readonly version: string;
  readonly items: readonly DepsItem[];
}

/** One thing an installer depends on: where it comes from, what it must be, whom it is for and where it goes. */
export interface DepsItem {
  /** Unlike that of any other item that is used with it. */
  readonly id: string;
  readonly version: string;
  readonly source: DepsSource;
  /** What the content must hash to: of a file its bytes, of an image its manifest. `undefined` where nothing says. */
  readonly digest?: Digest | undefined;
  /** In bytes, of a file exactly; `undefined` where nothing says. */
  readonly size?: number | undefined;
  readonly selectors: Selectors;
  readonly sink: DepsSink;
  /** For people and reports; nothing is decided by them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Where an item comes from. */
export type DepsSource =
  | HttpSource
  | ImageSource
  | ArtifactSource
  | FileSource
  | ChartDirectorySource
  | GitMirrorSource
  | InlineSource;

/** A file on web servers. */
export interface HttpSource {
  readonly type: "http";
  /** Any of these has it; the first is tried first. */
  readonly urls: readonly string[];
}

/** An image or an index of a registry, by the item's digest. */
export interface ImageSource {
  readonly type: "image";
  /** Such as `registry.example.com:5000`; `docker.io` for Docker Hub. */
  readonly registry: string;
  readonly repository: string;
  /** The index the image is published in, where it is to be kept too. */
  readonly index?: Digest | undefined;
  readonly platform?: Platform | undefined;
}

/** An artifact of a registry, such as a Helm chart: by the item's digest, or what `tag` names. */
export interface ArtifactSource {
  readonly type: "artifact";
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string | undefined;
  /** Of the layer that is meant; the only one unless told. */
  readonly layerMediaType?: string | undefined;
}

/** A local file. */
export interface FileSource {
  readonly type: "file";
  readonly path: string;
}

/** A local folder with an unpacked Helm chart. */
export interface ChartDirectorySource {
  readonly type: "chart";
  readonly path: string;
}

/** A git repository, of which one ref must exist. */
export interface GitMirrorSource {
  readonly type: "git";
  readonly url: string;
  readonly ref: { readonly type: "branch" | "tag" | "semver" | "commit"; readonly name: string };
}

/** Bytes that are part of the manifest. */
export interface InlineSource {
  readonly type: "inline";
  readonly bytes: Uint8Array;
}

/** Where an item goes. Paths are local ones, complete. */
export type DepsSink = FileTreeSink | RepositoryLayoutSink | LayoutSink | PushSink;

/** A file, or the folder of a git mirror. */
export interface FileTreeSink {
  readonly type: "file";
  readonly path: string;
  /** Other paths that lead to it. */
  readonly links: readonly string[];
}

/** An OCI image layout for each repository, as zot keeps them: at `root` and the repository's path. */
export interface RepositoryLayoutSink {
  readonly type: "repository-layout";
  readonly root: string;
  readonly repository: string;
  readonly tags: readonly string[];
}

/** One OCI image layout for all. */
export interface LayoutSink {
  readonly type: "layout";
  readonly path: string;
  /** What its index calls the image. */
  readonly names: readonly string[];
}

/** A repository of a registry. */
export interface PushSink {
  readonly type: "push";
  readonly registry: string;
  readonly repository: string;
  readonly tags: readonly string[];
}
