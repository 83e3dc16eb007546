import { formatName } from "@tranship/registry";
import { pathConflict, type Rival } from "./path-conflict.ts";
import type { Planner } from "./planner.ts";
import type { Section } from "./section.ts";

/** What a tag was given to, and by whom. */
interface Claim extends Rival {
  readonly planner: Planner;
}

/**
 * The tags that a run gives to images. Several planners may store at one path, where no two of them may mean different images
 * by one tag: one of the two would be lost. A planner itself may, as its archives are read in an order it knows.
 */
export class ClaimedTags {
  readonly #claims = new Map<string, Claim>();

  /** Takes note of what a section names. @throws MirrorError `PATH_CONFLICT` */
  claim(planner: Planner, { repositories }: Section): void {
    for (const { path, images } of repositories) {
      for (const { tag, reference, digest, why } of images) {
        if (why.every((reason) => reason === "attestation")) continue; // lists of referrers are joined by who reads them
        const name = formatName(path, tag);
        const before = this.#claims.get(name);
        const own = { planner, reference, digest };
        if (before && before.planner !== planner && before.digest !== digest)
          throw pathConflict(path, tag, before, own);
        this.#claims.set(name, own);
      }
    }
  }
}
