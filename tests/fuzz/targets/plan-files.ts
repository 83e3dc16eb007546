import {
  downloadTotals,
  formatDownloadList,
  formatInventory,
  inventoryOf,
  isMirrorError,
  parseDownloadList,
  parseInventory,
  parseLockFile,
} from "@tranship/core";
import type { DownloadList } from "../../../packages/core/src/plan/download-list.ts";
import { formatLockFile } from "../../../packages/core/src/plan/lock-file.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireBytes, requireDigest, requireSame, unlessRefused } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const words = [
  "version",
  "archives",
  "sections",
  "repositories",
  "images",
  "blobs",
  "digest",
  "size",
  "files",
  "entries",
  "archive",
  "chunks",
  "chunkBytes",
  "bytes",
  "missing",
  "failed",
  "path",
  "source",
  "tag",
  "inventory",
  "place",
  "kind",
  "package-console.tar",
  "../x.tar",
  `sha256:${"0".repeat(64)}`,
];

const isPlanRefusal = (error: unknown) => isMirrorError(error, "PLAN_INVALID");
const isInventoryRefusal = (error: unknown) => isPlanRefusal(error) || isMirrorError(error, "INVENTORY_INVALID");

/** The lock file of a bundle: whoever carries the bundle can change it. */
export const lockTarget: FuzzTarget = {
  name: "lock",
  testRuns: 300,
  what: "`tranship.lock.json`",
  maxLength: 512 * 1024,
  ...jsonParts("text", words),
  judge: (input) => {
    const lock = unlessRefused(() => parseLockFile(input, "the lock"), isPlanRefusal);
    if (!lock) return false;
    judgeList(lock);
    for (const { archive, bytes, entries, chunks = [] } of lock.files) {
      requireArchive(archive);
      requireBytes(bytes, "an archive");
      for (const { digest, size } of entries) {
        requireDigest(digest);
        requireBytes(size, "an entry");
      }
      for (const { file } of chunks)
        require(file.startsWith(`${archive}.`) && !file.includes("/"), `a chunk is called ${file}`);
    }
    requireSame(parseLockFile(formatLockFile(lock), "the lock"), lock, "a lock written and read again");
    return true;
  },
};

/** A plan that is given to a pull. */
export const planFileTarget: FuzzTarget = {
  name: "plan-file",
  testRuns: 400,
  what: "plans in files",
  maxLength: 512 * 1024,
  ...jsonParts("text", words),
  judge: (input) => {
    const list = unlessRefused(() => parseDownloadList(input, "the plan"), isPlanRefusal);
    if (!list) return false;
    judgeList(list);
    requireSame(parseDownloadList(formatDownloadList(list), "the plan"), list, "a plan written and read again");
    return true;
  },
};

/** What is given as `--base`: an inventory, a plan or a lock file. */
export const inventoryTarget: FuzzTarget = {
  name: "inventory",
  testRuns: 500,
  what: "inventories and other bases",
  maxLength: 512 * 1024,
  ...jsonParts("text", words),
  judge: (input) => {
    const inventory = unlessRefused(() => parseInventory(input, "the base"), isInventoryRefusal);
    if (!inventory) return false;
    for (const { blobs } of inventory.repositories) {
      for (const { digest, size } of blobs) {
        requireDigest(digest);
        requireBytes(size, "a blob");
      }
    }
    requireSame(
      parseInventory(formatInventory(inventory), "the base"),
      inventory,
      "an inventory written and read again",
    );
    return true;
  },
};

function judgeList(list: DownloadList): void {
  for (const { archive, sections } of list.archives) {
    requireArchive(archive);
    for (const { path, blobs, images } of sections.flatMap(({ repositories }) => repositories)) {
      require(path === "" ||
        /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(path), `the path ${JSON.stringify(path)} was accepted`);
      for (const { digest, size } of [...blobs, ...images]) {
        requireDigest(digest);
        requireBytes(size, "what a plan names");
      }
    }
  }
  const { storedBytes } = downloadTotals(list);
  require(storedBytes >= 0, `${storedBytes} bytes are stored`);
  inventoryOf(list);
}

function requireArchive(name: string): void {
  require(/^[A-Za-z0-9_][A-Za-z0-9._-]*\.tar$/.test(name), `the archive ${JSON.stringify(name)} was accepted`);
}
