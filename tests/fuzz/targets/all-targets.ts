import { answersTarget } from "./answers.ts";
import { challengeTarget } from "./challenge.ts";
import { configTarget } from "./config.ts";
import { chartTarget, depsManifestTarget, helmIgnoreTarget, podplaneTarget } from "./deps-files.ts";
import { dockerConfigTarget } from "./docker-config.ts";
import { headersTarget } from "./headers.ts";
import { imageConfigTarget, listedImagesTarget } from "./image-files.ts";
import { indexTarget } from "./index-file.ts";
import { journalTarget } from "./journal.ts";
import { linkTarget } from "./link.ts";
import { manifestTarget } from "./manifest.ts";
import { paxTarget } from "./pax.ts";
import { inventoryTarget, lockTarget, planFileTarget } from "./plan-files.ts";
import { referenceTarget } from "./reference.ts";
import { responseHeadTarget } from "./response-head.ts";
import { routeTarget } from "./route.ts";
import { selectionTarget } from "./selection.ts";
import { exportFileTarget, sidecarTarget } from "./small-files.ts";
import { layerTarget, tarTarget } from "./tar-archive.ts";
import type { FuzzTarget } from "./target.ts";
import { tokenTarget } from "./token.ts";

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
  headersTarget,
  tokenTarget,
  answersTarget,
  routeTarget,
  selectionTarget,
  imageConfigTarget,
  listedImagesTarget,
  sidecarTarget,
  exportFileTarget,
];
