import { challengeTarget } from "./challenge.ts";
import { indexTarget } from "./index-file.ts";
import { linkTarget } from "./link.ts";
import { manifestTarget } from "./manifest.ts";
import { referenceTarget } from "./reference.ts";
import { responseHeadTarget } from "./response-head.ts";
import type { FuzzTarget } from "./target.ts";

/** Every parser of what strangers give, by name. */
export const fuzzTargets: readonly FuzzTarget[] = [
  referenceTarget,
  manifestTarget,
  indexTarget,
  challengeTarget,
  linkTarget,
  responseHeadTarget,
];
