import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { z } from "zod";

const ownerSchema = z.object({
  token: z.string().min(1).max(200),
  pid: z.int().positive(),
  host: z.string().max(300),
  startedAt: z.iso.datetime(),
  kernel: z.string().max(300).optional(),
});

/** Who is at a build. */
export interface BuildOwner {
  /** Of this build alone. */
  readonly token: string;
  readonly pid: number;
  readonly host: string;
  /** In ISO 8601. */
  readonly startedAt: string;
  /** Which run of which kernel, and which numbering of processes, the process number belongs to. */
  readonly kernel?: string | undefined;
}

/** This process as the owner of a build. */
export async function ownerHere(token: string, startedMs: number): Promise<BuildOwner> {
  const kernel = await kernelHere();
  const startedAt = new Date(startedMs).toISOString();
  return { token, pid: process.pid, host: hostname(), startedAt, ...(kernel === undefined ? {} : { kernel }) };
}

/** What a marker's text says of its owner; `undefined` when it cannot be read. */
export function parseOwner(text: string): BuildOwner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** As messages name it. */
export function formatOwner({ pid, host, startedAt }: BuildOwner): string {
  return `process ${pid} on ${host} since ${startedAt}`;
}

/** Whether that process is known to be gone: only one that would be seen from here can be. */
export async function isGone({ pid, kernel }: BuildOwner): Promise<boolean> {
  if (kernel === undefined || kernel !== (await kernelHere())) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Host names are given twice, and containers number their processes each for itself. */
async function kernelHere(): Promise<string | undefined> {
  try {
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()} ${await readlink("/proc/self/ns/pid")}`;
  } catch {
    return undefined; // not Linux, or no /proc
  }
}
