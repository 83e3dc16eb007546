import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { DigestJob, DigestMessage } from "./digest-thread.ts";
import type { ChecksumKind } from "./sidecar.ts";
import { Streebog256 } from "./streebog.ts";

const readBytes = 1024 * 1024;

/** Reads a file once, into one buffer, and feeds all the hashes. */
function work({ path, kinds }: DigestJob, tell: (message: DigestMessage) => void): void {
  const hashes = kinds.map((kind) => ({ kind, ...hashOf(kind) }));
  const buffer = new Uint8Array(readBytes);
  const descriptor = openSync(path, "r");
  try {
    for (let position = 0; ; ) {
      const bytes = readSync(descriptor, buffer, 0, buffer.byteLength, position);
      if (bytes === 0) break;
      for (const { update } of hashes) update(buffer.subarray(0, bytes));
      position += bytes;
      tell({ type: "read", bytes });
    }
  } finally {
    closeSync(descriptor);
  }
  tell({ type: "done", digests: hashes.map(({ kind, digestHex }) => [kind, digestHex()] as const) });
}

function hashOf(kind: ChecksumKind): {
  readonly update: (bytes: Uint8Array) => unknown;
  readonly digestHex: () => string;
} {
  if (kind === "gost") {
    const hash = new Streebog256();
    return { update: (bytes) => hash.update(bytes), digestHex: () => hash.digestHex() };
  }
  const hash = createHash("sha256");
  return { update: (bytes) => hash.update(bytes), digestHex: () => hash.digest("hex") };
}

if (parentPort) {
  const port = parentPort;
  const tell = (message: DigestMessage) => port.postMessage(message);
  port.on("message", (job: DigestJob) => {
    try {
      work(job, tell);
    } catch (error) {
      tell({ type: "failed", code: (error as NodeJS.ErrnoException).code ?? String(error) });
    }
  });
}
