import { encodeIndexFile, parseIndexFile, sortDescriptors } from "../../../packages/core/src/layout/index-file.ts";
import { jsonParts } from "./json-input.ts";
import { requireDescriptor, requireSame } from "./oracle.ts";
import { bytesOfInput, type FuzzTarget } from "./target.ts";

/** The `index.json` of a layout, whose reader gives the error its caller names. */
export const indexTarget: FuzzTarget = {
  name: "index",
  testRuns: 600,
  what: "`index.json` of image layouts",
  maxLength: 512 * 1024,
  ...jsonParts("bytes", [
    "manifests",
    "mediaType",
    "digest",
    "size",
    "annotations",
    "org.opencontainers.image.ref.name",
    "io.deckhouse.image.short_tag",
    "platform",
    '{"mediaType":"a","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0},',
  ]),
  judge: (input) => {
    const bytes = bytesOfInput(input);
    const read = entriesOf(bytes);
    if (!read) return false;
    for (const descriptor of read) requireDescriptor(descriptor);
    const written = encodeIndexFile(sortDescriptors(read));
    const again = encodeIndexFile(parseIndexFile(written));
    requireSame(again.toString("utf8"), written.toString("utf8"), "an index written and read again");
    return true;
  },
};

/** Its callers put any error into one of their own; a stack that ran out is none they should have to. */
function entriesOf(bytes: Uint8Array): ReturnType<typeof parseIndexFile> | undefined {
  try {
    return parseIndexFile(bytes);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RangeError) throw error;
    return undefined;
  }
}
