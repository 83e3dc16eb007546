import * as z from "zod";
import { compareBytes, defaultMaxManifestBytes, formatJson, readJson, unreadable } from "../json.ts";

/** Keys of a manifest we know nothing of, as they were read: they are written back. Numbers are JavaScript's. */
export type Rest = Readonly<Record<string, unknown>>;

/** What reading a manifest may be told. */
export interface ParseManifestOptions {
  /** Where it comes from, for messages. @defaultValue such as `the vmconfig manifest` */
  readonly name?: string | undefined;
  /**
   * Whether to keep what the cache noted in it: `cached` and `chartLayerDigest`. Only for manifests out of one's own cache;
   * elsewhere they mean nothing and are cleared. @defaultValue `false`
   */
  readonly keepMarkers?: boolean | undefined;
  /** @defaultValue {@link defaultMaxManifestBytes} */
  readonly maxBytes?: number | undefined;
}

/** The longest text of a key we know, in characters. */
const maxTextLength = 8192;

/** Absent and `null` are empty. */
export const text: z.ZodType<string> = z
  .string()
  .max(maxTextLength)
  .nullish()
  .transform((value) => value ?? "");

/** A whole number that JavaScript holds exactly. Absent and `null` are 0. */
export const integer: z.ZodType<number> = z
  .int()
  .nullish()
  .transform((value) => value ?? 0);

/** A size in bytes. Absent and `null` are 0. */
export const size: z.ZodType<number> = z
  .int()
  .min(0)
  .nullish()
  .transform((value) => value ?? 0);

/** Absent and `null` are `false`. */
export const flag: z.ZodType<boolean> = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

/** Absent and `null` are no names. */
export const names: z.ZodType<readonly string[]> = listOf(z.string().max(maxTextLength));

/** A list; absent and `null` are an empty one. */
export function listOf<Item>(item: z.ZodType<Item>): z.ZodType<readonly Item[]> {
  return z
    .array(item)
    .nullish()
    .transform((value) => value ?? []);
}

/** A map from names; absent and `null` are an empty one. */
export function mapOf<Item>(item: z.ZodType<Item>): z.ZodType<Readonly<Record<string, Item>>> {
  return z
    .record(z.string().max(maxTextLength), item)
    .nullish()
    .transform((value) => value ?? {});
}

/** An object with some keys, and whatever others it has in `rest`. */
export type ObjectOf<Shape extends z.core.$ZodShape> = z.output<z.ZodObject<Shape>> & { readonly rest: Rest };

/** An object with these keys; others are put into `rest`. Absent and `null` are one with nothing in it. */
export function objectOf<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodType<ObjectOf<Shape>> {
  return z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((value): unknown => value ?? {})
    .pipe(withRest(shape));
}

/** An {@link objectOf} that may be missing: absent and `null` are `undefined`. */
export function optionalObjectOf<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodType<ObjectOf<Shape> | undefined> {
  return withRest(shape)
    .nullish()
    .transform((value) => value ?? undefined);
}

/**
 * Reads a manifest whose one key we know is `key`.
 * @throws DepsError `MANIFEST_PARSE`
 */
export function parseManifest<Body extends { readonly rest: Rest }>(
  bytes: Uint8Array | string,
  key: string,
  schema: z.ZodType<Body>,
  options: ParseManifestOptions,
): { readonly body: Body; readonly rest: Rest } {
  const { name = `the ${key} manifest`, maxBytes = defaultMaxManifestBytes } = options;
  const value = readJson(bytes, name, maxBytes);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unreadable(name, "", "it is no object");
  const { [key]: inner, ...rest } = value as Record<string, unknown>;
  if (inner === undefined || inner === null) throw unreadable(name, key, "it is missing");
  const found = schema.safeParse(inner);
  if (found.success) return { body: found.data, rest };
  const issue = found.error.issues[0];
  const path = [key, ...(issue?.path ?? [])].map(String).join(".");
  throw unreadable(name, path, issue?.message ?? "it is not as it should be", found.error);
}

/** The text of a manifest: keys we know in their order, others after them. */
export function formatManifest(key: string, body: ReadonlyMap<string, unknown>, rest: Rest): string {
  return formatJson(ordered({ [key]: body }, [], rest));
}

/** An object for {@link formatManifest}: `known` in its order, those of `omitEmpty` only if they say something, then `rest`. */
export function ordered(
  known: Readonly<Record<string, unknown>>,
  omitEmpty: readonly string[],
  rest: Rest,
): ReadonlyMap<string, unknown> {
  const kept = Object.entries(known).filter(([key, value]) => !omitEmpty.includes(key) || !isEmpty(value));
  const others = Object.entries(rest).filter(([key]) => !Object.hasOwn(known, key));
  return new Map([...kept, ...others.sort(([a], [b]) => compareBytes(a, b))]);
}

/** A map with its values made by `format`; it is written with its keys sorted. */
export function mapValues<Item>(
  map: Readonly<Record<string, Item>>,
  format: (item: Item) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(map).map(([key, item]) => [key, format(item)]));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0 && !(value instanceof Map);
  return value === undefined || value === "" || value === 0 || value === false;
}

function withRest<Shape extends z.core.$ZodShape>(shape: Shape): z.ZodType<ObjectOf<Shape>> {
  return z.looseObject(shape).transform((value) => {
    const entries = Object.entries(value);
    const isKnown = ([key]: readonly [string, unknown]) => Object.hasOwn(shape, key);
    const rest = Object.fromEntries(entries.filter((entry) => !isKnown(entry)));
    return { ...Object.fromEntries(entries.filter(isKnown)), rest } as ObjectOf<Shape>;
  });
}
