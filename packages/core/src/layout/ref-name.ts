import { isTag, type Tag } from "@tranship/registry";

/** A `ref.name` annotation in its parts; `name` is empty where the annotation is a bare tag, as many tools write it. */
export interface RefName {
  readonly name: string;
  readonly tag?: Tag | undefined;
  /** What follows an `@`. */
  readonly digest?: string | undefined;
}

/** Splits at an `@`, else at the last colon after the last slash: a port is no tag. Never fails: tools write what they like. */
export function splitRefName(text: string): RefName {
  const at = text.indexOf("@");
  if (at >= 0) return { name: text.slice(0, at), digest: text.slice(at + 1) };
  const slash = text.lastIndexOf("/");
  const colon = text.lastIndexOf(":");
  if (colon > slash) return { name: text.slice(0, colon), tag: text.slice(colon + 1) };
  return slash < 0 && isTag(text) ? { name: "", tag: text } : { name: text };
}

/** The same reference under another tag; one by digest stays as it is. */
export function retagRefName(text: string, tag: Tag): string {
  const { name, digest } = splitRefName(text);
  if (digest !== undefined) return text;
  return name === "" ? tag : `${name}:${tag}`;
}
