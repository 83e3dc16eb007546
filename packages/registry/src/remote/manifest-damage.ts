import { classifyFailure } from "../errors.ts";
import { isStatus, reports } from "./reported.ts";
import { mayPass } from "./retry.ts";

/** How often bytes are sent again that arrive damaged, or are refused as if they had. */
export const maxDamages = 2;

/** Whether a manifest is put once more, for one put: a new one for each. */
export function retryDamaged(): (error: unknown, attempt: number) => boolean {
  let damages = 0;
  return (error, attempt) => {
    if (!mayBeDamage(error)) return mayPass(error, attempt);
    damages += 1;
    return damages <= maxDamages;
  };
}

/** The bytes are right here: a registry that finds fault with them may have got others. */
function mayBeDamage(error: unknown): boolean {
  if (classifyFailure(error) === "corrupt") return true;
  return isStatus(error, 400) && reports(error, "DIGEST_INVALID", "MANIFEST_INVALID", "SIZE_INVALID");
}
