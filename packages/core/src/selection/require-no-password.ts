import { refusal } from "./filter.ts";

/** A user name and a password before a host; a password that nobody escaped may have an `@` or a slash in it. */
const userInfoPattern = /^(?:[a-z]+:\/\/)?[^/@\s]+:(?:(?!@\/)\S)+@(?=[A-Za-z0-9.:-]+\/)/i;

/** @throws MirrorError `SELECTION_INVALID` for a name with a password in it, without showing that */
export function requireNoPassword(text: string): void {
  const [userInfo] = userInfoPattern.exec(text) ?? [];
  if (userInfo !== undefined)
    throw refusal(`***@${text.slice(userInfo.length)}`, "it has a password in it", "log in with docker or podman");
}
