import { chartJob } from "../charts/chart-job.ts";
import { fileJob } from "../files/file-job.ts";
import { gitJob } from "../git/git-job.ts";
import { imageJob } from "../images/image-job.ts";
import type { Jobs } from "./job-of.ts";

/** What brings items of each kind. */
export const standardJobs: Jobs = {
  http: fileJob,
  file: fileJob,
  inline: fileJob,
  image: imageJob,
  artifact: imageJob,
  chart: chartJob,
  git: gitJob,
};
