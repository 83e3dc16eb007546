import type { RootfsErrorCode, RootfsErrorDetails } from "../errors.ts";
import type { LayerFile } from "./layer-file.ts";

/**
 * A `RootfsError` to be: what code that runs in a layer thread throws. The one who waits for the thread gets it as the
 * real thing; here it would cost each thread the loading of half this package.
 */
export class LayerFault<Code extends RootfsErrorCode = RootfsErrorCode> extends Error {
  override readonly name: "LayerFault" = "LayerFault";
  readonly code: Code;
  readonly details: RootfsErrorDetails[Code];

  constructor(code: Code, message: string, details: RootfsErrorDetails[Code]) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

/** `LAYER_INVALID`: why this layer cannot be read as one. `entry` is the archive's entry at fault, as people read it. */
export function layerInvalid(
  reference: string,
  { layer, digest }: LayerFile,
  reason: string,
  entry?: string,
): LayerFault<"LAYER_INVALID"> {
  const where = entry === undefined ? "" : `entry ${JSON.stringify(entry)}: `;
  const message = `cannot read layer ${layer} (${digest}) of ${reference}: ${where}${reason}`;
  return new LayerFault("LAYER_INVALID", message, {
    reference,
    layer,
    digest,
    ...(entry === undefined ? {} : { entry }),
    reason,
  });
}

/** `LAYER_MISMATCH`: the layer's bytes are others, as they are stored or (`isDiffId`) unpacked. */
export function layerMismatch(
  reference: string,
  layer: number,
  expected: string,
  actual: string,
  isDiffId: boolean,
): LayerFault<"LAYER_MISMATCH"> {
  const what = isDiffId ? "unpacks to" : "has the digest";
  const message = `cannot use layer ${layer} of ${reference}: it ${what} ${actual}, expected ${expected}`;
  return new LayerFault("LAYER_MISMATCH", message, { reference, layer, expected, actual, isDiffId });
}
