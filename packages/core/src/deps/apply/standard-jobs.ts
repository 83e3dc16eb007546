import { imageJob } from "../images/image-job.ts";
import type { Jobs } from "./job-of.ts";

/** What brings items of each kind. */
export const standardJobs: Jobs = { image: imageJob, artifact: imageJob };
