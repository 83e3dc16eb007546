import type { BlobCount } from "@tranship/core";
/** Bytes for people: `1.5 KiB`, `2.9 GiB`; under 1 KiB as they are. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${Math.round(bytes)} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** `1 image`, `2 images`. */
export function count(amount: number, noun: string, plural: string = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}

/** What sparse indexes go without: `3 manifests for other platforms, with all they lead to`. */
export function sparseNote({ manifests }: { readonly manifests: number }): string {
  return `${count(manifests, "manifest")} for other platforms, with all ${manifests === 1 ? "it leads" : "they lead"} to`;
}

/** What a base spares: `3 blobs, 1.5 MiB, which the base has`. */
export function leftOut({ blobs, bytes }: BlobCount): string {
  return `${count(blobs, "blob")}, ${formatBytes(bytes)}, which the base has`;
}
