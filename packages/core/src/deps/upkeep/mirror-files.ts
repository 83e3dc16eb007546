import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { urlToKeep } from "../git/git-address.ts";
import type { GitMirrorSource } from "../manifest.ts";

/** Files of a git mirror that are kept in archives: nothing that git runs or that leads elsewhere, such as hooks or alternates. */
const kept =
  /^(?:HEAD|packed-refs|refs\/.+|objects\/[0-9a-f]{2}\/[0-9a-f]{38,62}|objects\/pack\/pack-[0-9a-f]{40,64}\.(?:pack|idx|rev|bitmap|mtimes))$/;

/** Written by us, so that nothing but this is in it. */
const configText =
  /^\[core\]\n\trepositoryformatversion = [01]\n\tbare = true\n(?:\[extensions\]\n\tobjectformat = sha256\n)?(?:\[remote "origin"\]\n\turl = [A-Za-z0-9][^\s"\\;#]*\n\tfetch = \+refs\/\*:refs\/\*\n\tmirror = true\n)?$/;

/** Addresses that are written into archives, and taken from them. */
const address = /^(?:https?|ssh|git):\/\/[^\s"\\;#]+$|^[\w.-]+@[\w.-]+:[^\s"\\;#]+$/;

/** Whether a file of a git mirror, by its path in it, is taken into archives and from them. */
export function isMirrorFile(path: string): boolean {
  return path === "config" || (kept.test(path) && !path.endsWith(".lock"));
}

/** The settings of a mirror as archives have them: the same for all who have it, and without anybody's password. */
export async function mirrorConfig(folder: string, { url }: GitMirrorSource): Promise<Uint8Array> {
  const own = await readFile(join(folder, "config"), "utf8").catch(() => "");
  const isLong = /^\s*objectformat\s*=\s*sha256\s*$/im.test(own);
  const shown = urlToKeep(url);
  const lines = [
    `[core]\n\trepositoryformatversion = ${isLong ? 1 : 0}\n\tbare = true\n`,
    isLong ? "[extensions]\n\tobjectformat = sha256\n" : "",
    address.test(shown) ? `[remote "origin"]\n\turl = ${shown}\n\tfetch = +refs/*:refs/*\n\tmirror = true\n` : "",
  ];
  return Buffer.from(lines.join(""));
}

/** Why the bytes of a mirror's file are not taken over, if so. */
export function mirrorFault(path: string, bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  if (path === "HEAD" && !/^(?:ref: refs\/[^\0-\x20\x7f]+|[0-9a-f]{40,64})\n$/.test(text)) return "it names no branch";
  if (path !== "config") return undefined;
  const url = /\turl = (.*)\n/.exec(text)?.[1];
  const isOurs = configText.test(text) && (url === undefined || address.test(url));
  return isOurs ? undefined : "it has other settings than mirrors in archives have";
}
