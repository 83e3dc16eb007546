import { isDepsError } from "@tranship/core/deps";
import { parseArchiveFileName } from "../../../packages/core/src/bundle/archive/archive-names.ts";
import { formatSidecar, parseSidecar, parseSidecarName } from "../../../packages/core/src/checksums/sidecar.ts";
import { formatExportFile, parseExportFile } from "../../../packages/core/src/deps/upkeep/export-file.ts";
import { parseLayerPath } from "../../../packages/core/src/plan/layers/file-search.ts";
import { jsonParts } from "./json-input.ts";
import { require, requireBytes, requireSame, unlessRefused } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

const file = "package-console.tar";

/** Files beside archives, and names in the folder of a bundle and in layers. */
export const sidecarTarget: FuzzTarget = {
  name: "sidecar",
  what: "checksum files, names of chunks, paths in layers",
  alphabet: "text",
  words: [
    "a".repeat(64),
    "0".repeat(63),
    "  ",
    " *",
    file,
    "./",
    "\n",
    "\r\n",
    ".sha256",
    ".gostsum",
    ".tar",
    ".0000.chunk",
    "../",
    "/",
    ".",
  ],
  maxLength: 256 * 1024,
  judge: (input) => {
    const hex = parseSidecar(input, file);
    if (hex !== undefined) {
      require(/^[0-9a-f]{64}$/.test(hex), `the digits ${hex} were accepted`);
      for (const kind of ["sha256", "gost"] as const)
        requireSame(parseSidecar(formatSidecar(kind, hex, file), file), hex, "written and read");
    }
    const beside = parseSidecarName(input);
    require(beside === undefined || (beside.file !== "" && input.startsWith(beside.file)), "a sidecar of another file");
    const part = parseArchiveFileName(input);
    if (part?.chunk !== undefined) requireBytes(part.chunk, "a chunk's number");
    require(part === undefined || part.archive.endsWith(".tar"), "a part of no archive");
    const path = parseLayerPath(input);
    require(path === undefined ||
      !path.split("/").some((one) => ["", ".", ".."].includes(one)), "a path leads out of a layer");
    return [hex, beside, part].some((one) => one !== undefined);
  },
};

/** The first file of an archive of a cache. */
export const exportFileTarget: FuzzTarget = {
  name: "export-file",
  testRuns: 400,
  what: "the first file of a cache's archive",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "tranship",
    "format",
    "mirrors",
    "links",
    "state",
    "key",
    "value",
    "files",
    "version",
    "git/example.com/a",
  ]),
  judge: (input) => {
    const read = unlessRefused(
      () => parseExportFile(bytesOfInput(input), "cache.tar"),
      (error) => isDepsError(error, "ARCHIVE_INVALID"),
    );
    if (!read) return false;
    requireSame(parseExportFile(formatExportFile(read), "cache.tar"), read, "written and read again");
    return true;
  },
};
