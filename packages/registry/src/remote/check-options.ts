import type { RegistryOptions } from "./registry-options.ts";

/**
 * Refuses numbers that make no sense where they are given, not in the middle of a transfer: a timer set to `NaN` ends at
 * once, and no count of failures ever reaches it.
 * @throws RangeError
 */
export function checkOptions(options: RegistryOptions): void {
  const { idleTimeoutMs = 1, attempts = 1, retryDelayMs = 0, throttleWaitMs = 0, uploadChunkBytes = 1 } = options;
  demand("idleTimeoutMs", idleTimeoutMs, idleTimeoutMs > 0, "a positive number");
  const isCount = Number.isInteger(attempts) || attempts === Number.POSITIVE_INFINITY;
  demand("attempts", attempts, isCount && attempts > 0, "a positive integer");
  demand("retryDelayMs", retryDelayMs, Number.isFinite(retryDelayMs) && retryDelayMs >= 0, "a number from 0 on");
  demand("throttleWaitMs", throttleWaitMs, throttleWaitMs >= 0, "a number from 0 on");
  const isSize = Number.isSafeInteger(uploadChunkBytes) && uploadChunkBytes > 0;
  demand("uploadChunkBytes", uploadChunkBytes, isSize, "a positive integer");
  const { meta = 1, down = 1, up = 1 } = options.limits ?? {};
  for (const [lane, limit] of Object.entries({ meta, down, up })) {
    demand(`limits.${lane}`, limit, Number.isSafeInteger(limit) && limit > 0, "a positive integer");
  }
  const { userAgent = "" } = options;
  // RFC 9110, "Field Values": what undici would refuse with the first request
  demand("userAgent", JSON.stringify(userAgent), /^[\t\x20-\x7e]*$/.test(userAgent), "printable ASCII");
}

function demand(name: string, value: unknown, isRight: boolean, wanted: string): void {
  if (!isRight) throw new RangeError(`${name} must be ${wanted}, not ${value}`);
}
