import { compareText } from "../layout/index-file.ts";
import type { VerifiedContent, VerifyReport } from "./verify-report.ts";

/** Counts what was read, repository by repository. */
export class ContentCounts {
  readonly #byPath = new Map<string, VerifiedContent>();

  /** Adds to what was read of the repository at `path`. */
  add(path: string, { images = 0, blobs = 0, bytes = 0 }: Partial<Omit<VerifiedContent, "path">>): void {
    const before = this.#byPath.get(path) ?? { path, images: 0, blobs: 0, bytes: 0 };
    this.#byPath.set(path, {
      path,
      images: before.images + images,
      blobs: before.blobs + blobs,
      bytes: before.bytes + bytes,
    });
  }

  /** The counts and their sums. */
  report(): Pick<VerifyReport, "images" | "blobs" | "bytes" | "repositories"> {
    const repositories = [...this.#byPath.values()].sort((a, b) => compareText(a.path, b.path));
    const sum = (what: "images" | "blobs" | "bytes") => repositories.reduce((total, one) => total + one[what], 0);
    return { images: sum("images"), blobs: sum("blobs"), bytes: sum("bytes"), repositories };
  }
}
