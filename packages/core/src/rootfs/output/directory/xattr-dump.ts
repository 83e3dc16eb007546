import type { ByteString } from "../../../layer-archive/byte-string.ts";
import { runTool } from "../../ext4/run-tool.ts";
import type { TreeEntry } from "../../tree/walk-tree.ts";

/**
 * What `setfattr --restore` reads: names with everything but plain characters as octal escapes, values in base64.
 * @see setfattr(1), getfattr(1)
 */
export function restoreText(entries: readonly TreeEntry[]): string {
  const blocks = entries.map(({ path, inode }) => {
    const values = [...(inode.xattrs ?? [])].map(([name, value]) => `${escaped(name)}=${valueText(value)}\n`);
    return `# file: ./${escaped(path)}\n${values.join("")}\n`;
  });
  return blocks.join("");
}

/** Of an empty value in base64, setfattr 2.5.1 drops the attribute without a word if no other value came before it. */
function valueText(value: Uint8Array): string {
  return value.byteLength === 0 ? '""' : `0s${Buffer.from(value).toString("base64")}`;
}

/** The extended attributes of all that is below `folder`: values in base64, by path, zero byte and name. */
export async function dumpXattrs(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<ByteString, string>> {
  const found = new Map<ByteString, string>();
  let [rest, path] = ["", ""];
  const onStdout = (chunk: Uint8Array) => {
    const lines = (rest + Buffer.from(chunk).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("# file: ")) path = pathOf(unescaped(line.slice("# file: ".length)));
      const equals = line.indexOf("=0s");
      if (equals > 0 && !line.startsWith("#"))
        found.set(`${path}\0${unescaped(line.slice(0, equals))}`, line.slice(equals + 3));
    }
  };
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "base64", "--", "."];
  await runTool("getfattr", args, { step: "read extended attributes", cwd: folder, accept: [0, 1], onStdout, signal });
  return found;
}

function pathOf(path: ByteString): ByteString {
  return path === "." ? "" : path.replace(/^\.\//, "");
}

function escaped(text: ByteString): string {
  return text.replace(/[^A-Za-z0-9._/-]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function unescaped(text: string): ByteString {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
