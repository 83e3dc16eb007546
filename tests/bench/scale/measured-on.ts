import { cpus } from "node:os";

/** The date and the machine, as a sentence. */
export function measuredOn(): string {
  return `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores.`;
}
