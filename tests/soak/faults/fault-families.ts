import { answerFaults, statusFaults } from "./answer-faults.ts";
import { rangeFaults } from "./range-faults.ts";
import { connectionFaults, uploadFaults } from "./upload-faults.ts";
import type { WireFault } from "./wire-fault.ts";

/** All faults there are, by what they are about. */
export const faultFamilies: Readonly<Record<string, readonly WireFault[]>> = {
  answers: answerFaults,
  statuses: statusFaults,
  ranges: rangeFaults,
  uploads: uploadFaults,
  connections: connectionFaults,
};
