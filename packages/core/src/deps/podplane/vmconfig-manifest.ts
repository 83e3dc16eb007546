import type * as z from "zod";
import {
  flag,
  formatManifest,
  integer,
  listOf,
  mapOf,
  mapValues,
  names,
  objectOf,
  optionalObjectOf,
  ordered,
  type ParseManifestOptions,
  parseManifest,
  type Rest,
  size,
  text,
} from "./fields.ts";
import { formatImageRow, type ImageRow, imageRowShape } from "./image-row.ts";

/** A file that a virtual machine installs, or its disk image. What is not written is empty, 0, `false`. */
export interface VmConfigDependency {
  readonly version: string;
  readonly url: string;
  /** `binary`, `tar.gz`, `deb` or `qcow2`. */
  readonly type: string;
  /** As it is written; {@link parseItemDigest} reads it. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Cloud providers it is for; empty for all. */
  readonly providers: readonly string[];
  /** Whether the cache noted that it has it. */
  readonly cached: boolean;
  readonly rest: Rest;
}

/** A file inside a disk image. */
export interface BootFile {
  /** Counts from 1. */
  readonly partition: number;
  readonly path: string;
  readonly digest: string;
  readonly rest: Rest;
}

/** How a disk image is booted without its own boot loader. */
export interface BootConfig {
  readonly cmdline: string;
  readonly kernel: BootFile;
  readonly initrd: BootFile;
  readonly rest: Rest;
}

/** What a machine of one kind and architecture is made of. */
export interface VmConfigManifest {
  readonly vmconfig: {
    readonly version: string;
    /** `knc` for control planes, `knd` for workers. */
    readonly kind: string;
    readonly os: {
      readonly name: string;
      readonly arch: string;
      readonly image: VmConfigDependency;
      readonly boot: BootConfig | undefined;
      readonly rest: Rest;
    };
    /** By name. */
    readonly dependencies: Readonly<Record<string, VmConfigDependency>>;
    /** Container images the machine itself needs; empty in manifests of v0.1. */
    readonly images: readonly ImageRow[];
    readonly rest: Rest;
  };
  readonly rest: Rest;
}

const dependency: z.ZodType<VmConfigDependency> = objectOf({
  version: text,
  url: text,
  type: text,
  digest: text,
  size,
  providers: names,
  cached: flag,
});

const bootFile: z.ZodType<BootFile> = objectOf({ partition: integer, path: text, digest: text });

const body: z.ZodType<VmConfigManifest["vmconfig"]> = objectOf({
  version: text,
  kind: text,
  os: objectOf({
    name: text,
    arch: text,
    image: dependency,
    boot: optionalObjectOf({ cmdline: text, kernel: bootFile, initrd: bootFile }),
  }),
  dependencies: mapOf(dependency),
  images: listOf(objectOf(imageRowShape)),
});

/**
 * Reads a vmconfig manifest.
 * @throws DepsError `MANIFEST_PARSE`
 */
export function parseVmConfigManifest(
  bytes: Uint8Array | string,
  options: ParseManifestOptions = {},
): VmConfigManifest {
  const { body: vmconfig, rest } = parseManifest(bytes, "vmconfig", body, options);
  return options.keepMarkers ? { vmconfig, rest } : clearVmConfigMarkers({ vmconfig, rest });
}

/** The text of a vmconfig manifest as it is kept: {@link parseVmConfigManifest} gives the same manifest again. */
export function formatVmConfigManifest({ vmconfig, rest }: VmConfigManifest): string {
  const { version, kind, os, dependencies, images } = vmconfig;
  const { name, arch, image, boot } = os;
  const system = { name, arch, image: formatDependency(image), boot: boot && formatBoot(boot) };
  const known = {
    version,
    kind,
    os: ordered(system, ["boot"], os.rest),
    dependencies: mapValues(dependencies, formatDependency),
    images: images.map((row) => formatImageRow(row)),
  };
  return formatManifest("vmconfig", ordered(known, ["images"], vmconfig.rest), rest);
}

/** The manifest without what a cache noted in it. */
export function clearVmConfigMarkers(manifest: VmConfigManifest): VmConfigManifest {
  const { os, dependencies, images } = manifest.vmconfig;
  const clear = <Row extends { readonly cached: boolean }>(row: Row): Row => ({ ...row, cached: false });
  return {
    ...manifest,
    vmconfig: {
      ...manifest.vmconfig,
      os: { ...os, image: clear(os.image) },
      dependencies: Object.fromEntries(Object.entries(dependencies).map(([name, one]) => [name, clear(one)])),
      images: images.map(clear),
    },
  };
}

/** Whether two manifests say the same, apart from what a cache noted in them. */
export function isSameVmConfig(one: VmConfigManifest, other: VmConfigManifest): boolean {
  const textOf = (manifest: VmConfigManifest) => formatVmConfigManifest(clearVmConfigMarkers(manifest));
  return textOf(one) === textOf(other);
}

/** Whether all is said that booting without a boot loader takes. What it says is not checked against any disk image. */
export function isBootComplete(boot: BootConfig | undefined): boolean {
  const isSaid = ({ partition, path, digest }: BootFile) => partition > 0 && path !== "" && digest !== "";
  return boot !== undefined && boot.cmdline !== "" && isSaid(boot.kernel) && isSaid(boot.initrd);
}

function formatDependency({ rest, ...known }: VmConfigDependency): ReadonlyMap<string, unknown> {
  const { version, url, type, digest, size, providers, cached } = known;
  return ordered({ version, url, type, digest, size, providers, cached }, ["providers", "cached"], rest);
}

function formatBoot({ cmdline, kernel, initrd, rest }: BootConfig): ReadonlyMap<string, unknown> {
  return ordered({ cmdline, kernel: formatBootFile(kernel), initrd: formatBootFile(initrd) }, [], rest);
}

function formatBootFile({ partition, path, digest, rest }: BootFile): ReadonlyMap<string, unknown> {
  return ordered({ partition, path, digest }, [], rest);
}
