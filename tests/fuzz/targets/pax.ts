import { TarFault } from "../../../packages/core/src/bundle/tar/tar-block.ts";
import { parsePax } from "../../../packages/core/src/bundle/tar/tar-extended.ts";
import { ArchiveFault } from "../../../packages/core/src/layer-archive/archive-fault.ts";
import { textOfByteString } from "../../../packages/core/src/layer-archive/byte-string.ts";
import { parsePaxHeader } from "../../../packages/core/src/layer-archive/pax-header.ts";
import type { Choice } from "../random-choice.ts";
import { require, requireBytes, requireSame, unlessRefused } from "./oracle.ts";
import { bytesOfInput, bytesText, type FuzzTarget } from "./target.ts";

const keys = [
  "path",
  "linkpath",
  "size",
  "uid",
  "gid",
  "mtime",
  "atime",
  "comment",
  "SCHILY.xattr.user.x",
  "SCHILY.xattr.a%3Db",
  "LIBARCHIVE.xattr.user%2Ex",
  "GNU.sparse.major",
  "GNU.sparse.map",
  "GNU.sparse.offset",
  "GNU.sparse.numbytes",
  "__proto__",
  "",
];
const values = [
  "a/b",
  "../x",
  "",
  "0",
  "10",
  "-1",
  "9007199254740993",
  "1350244992.023960108",
  "-1.5",
  "0,10,20,5",
  "é",
  "\0",
  "a\nb",
];

/** The data of a PAX header, which two readers of ours have to understand alike. */
export const paxTarget: FuzzTarget = {
  name: "pax",
  what: "PAX headers",
  alphabet: "bytes",
  words: [...keys, ...values, "=", "\n", " ", "11 size=10\n", "12 path=a/b\n"]
    .filter((word) => word !== "")
    .map(bytesText),
  maxLength: 256 * 1024,
  make: (choice) => Array.from({ length: 1 + choice.below(5) }, () => aRecord(choice)).join(""),
  judge: (input) => {
    const bytes = bytesOfInput(input);
    const strict = unlessRefused(
      () => parsePax(bytes),
      (error) => error instanceof TarFault,
    );
    const whole = unlessRefused(
      () => parsePaxHeader(Buffer.from(bytes)),
      (error) => error instanceof ArchiveFault,
    );
    if (strict?.size !== undefined) requireBytes(strict.size, "the size");
    if (whole?.size !== undefined) requireBytes(whole.size, "the size");
    if (strict && whole) {
      const text = (value: string | undefined) => (value === undefined ? undefined : textOfByteString(value));
      // An empty value takes back what was said: to the strict reader it is a name that is refused later.
      if (strict.name !== "") requireSame(text(whole.path), strict.name, "the path");
      if (strict.linkName !== "") requireSame(text(whole.linkPath), strict.linkName, "the target of a link");
      requireSame(whole.size, strict.size, "the size");
    }
    for (const name of whole?.xattrs.keys() ?? [])
      require(name !== "" && !name.includes("\0"), "an attribute without a name");
    return whole !== undefined || strict !== undefined;
  },
};

function aRecord(choice: Choice): string {
  const text = ` ${choice.of(keys)}=${bytesText(choice.of(values))}\n`;
  const length = text.length + String(text.length + String(text.length).length).length;
  return `${choice.happens(0.95) ? length : choice.of([0, length - 1, length + 1, 99_999_999])}${text}`;
}
