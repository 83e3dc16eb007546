import { challengeTarget } from "./challenge.ts";
import { configTarget } from "./config.ts";
import { chartTarget, depsManifestTarget, helmIgnoreTarget, podplaneTarget } from "./deps-files.ts";
import { dockerConfigTarget } from "./docker-config.ts";
import { indexTarget } from "./index-file.ts";
import { journalTarget } from "./journal.ts";
import { linkTarget } from "./link.ts";
import { manifestTarget } from "./manifest.ts";
import { paxTarget } from "./pax.ts";
import { inventoryTarget, lockTarget, planFileTarget } from "./plan-files.ts";
import { referenceTarget } from "./reference.ts";
import { responseHeadTarget } from "./response-head.ts";
import { layerTarget, tarTarget } from "./tar-archive.ts";
import type { FuzzTarget } from "./target.ts";

/** Every parser of what strangers give, by name. */
export const fuzzTargets: readonly FuzzTarget[] = [
  referenceTarget,
  manifestTarget,
  indexTarget,
  tarTarget,
  layerTarget,
  paxTarget,
  challengeTarget,
  linkTarget,
  responseHeadTarget,
  lockTarget,
  planFileTarget,
  inventoryTarget,
  journalTarget,
  configTarget,
  dockerConfigTarget,
  depsManifestTarget,
  podplaneTarget,
  chartTarget,
  helmIgnoreTarget,
];
