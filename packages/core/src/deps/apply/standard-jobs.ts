import type { Jobs } from "./job-of.ts";

/** What brings items of each kind. */
export const standardJobs: Jobs = {};
