import type * as z from "zod";
import { flag, ordered, type Rest, size, text } from "./fields.ts";

/** An image in a manifest. What is not written is empty, 0, `false`. */
export interface ImageRow {
  /** As charts write it: `repository`, with `:tag` and `@digest` or without. */
  readonly image: string;
  /** Of the platform's manifest, as it is written. */
  readonly digest: string;
  /** The bytes of manifest, config and compressed layers, as the publisher counted them: for progress alone. */
  readonly size: number;
  /** `os/arch` or `os/arch/variant`; empty for whatever platform. */
  readonly platform: string;
  /** Of the index the image is in, as it is written. */
  readonly index: string;
  /** Whether the cache noted that it has it. */
  readonly cached: boolean;
  readonly rest: Rest;
}

/** The keys every kind of image row has. */
export const imageRowShape: {
  readonly image: z.ZodType<string>;
  readonly digest: z.ZodType<string>;
  readonly size: z.ZodType<number>;
  readonly platform: z.ZodType<string>;
  readonly index: z.ZodType<string>;
  readonly cached: z.ZodType<boolean>;
} = { image: text, digest: text, size, platform: text, index: text, cached: flag };

/** The row as it is written, with `before` and `after` the keys that its kind has more; empty ones of these are left out. */
export function formatImageRow(
  row: ImageRow,
  before: Readonly<Record<string, unknown>> = {},
  after: Readonly<Record<string, unknown>> = {},
): ReadonlyMap<string, unknown> {
  const { image, digest, size, platform, index, cached, rest } = row;
  const known = { ...before, image, digest, size, platform, index, ...after, cached };
  return ordered(known, [...Object.keys({ ...before, ...after }), "platform", "index", "cached"], rest);
}
