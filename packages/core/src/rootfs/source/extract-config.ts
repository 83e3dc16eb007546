import type { Digest } from "@tranship/registry";
import { isDigest } from "@tranship/registry";
import * as z from "zod";
import type { WantedPlatform } from "../../plan/platforms/platforms.ts";
import { RootfsError } from "../errors.ts";
import type { DockerImageConfig } from "./image-config.ts";
import { usualPlatform } from "./image-platform.ts";

/** The largest image config that is read, in bytes. */
export const maxImageConfigBytes: number = 8 * 1024 * 1024;

/** How an image wants to be run, and the same in the form that is kept beside what is made of it. */
export interface ExtractedConfig {
  readonly config: DockerImageConfig;
  /** Compact JSON of `Entrypoint`, `Cmd`, `Env`, `WorkingDir` and `User`, in this order; an absent list is `null`. */
  readonly configJson: string;
}

/** What the config of an image says. */
export interface ImageConfigFile extends ExtractedConfig {
  /** `undefined` where it says none. */
  readonly platform: WantedPlatform | undefined;
  /** What the unpacked layers hash to, the base first. */
  readonly diffIds: readonly Digest[];
}

const text = z.string().nullish();
const list = z.array(z.string()).nullish();
const names = z.record(z.string(), z.unknown()).nullish();
const count = z.number().int().nullish();

const runSchema = z.object({
  Entrypoint: list,
  Cmd: list,
  Env: list,
  WorkingDir: text,
  User: text,
  Labels: z.record(z.string(), z.string()).nullish(),
  ExposedPorts: names,
  Volumes: names,
  StopSignal: text,
  Shell: list,
  Healthcheck: z
    .object({ Test: list, Interval: count, Timeout: count, StartPeriod: count, StartInterval: count, Retries: count })
    .nullish(),
});

const fileSchema = z.object({
  os: text,
  architecture: text,
  variant: text,
  config: z.unknown().optional(),
  rootfs: z.object({ diff_ids: z.array(z.string().refine(isDigest, "not a digest")).nullish() }).nullish(),
});

/**
 * Reads an image's config.
 * @throws RootfsError `IMAGE_INVALID`
 * @see image-spec v1.1, "OCI Image Configuration"
 */
export function parseImageConfig(bytes: Uint8Array, reference: string): ImageConfigFile {
  const { os, architecture, variant, config, rootfs } = checked(fileSchema, jsonOf(bytes), reference);
  return {
    ...extractConfig(config, reference),
    platform: os && architecture ? usualPlatform({ os, architecture, variant: variant || undefined }) : undefined,
    diffIds: (rootfs?.diff_ids ?? []) as readonly Digest[],
  };
}

/**
 * Takes what matters out of the object that says how an image is run: `config` of an image's config, `Config` of what a
 * daemon tells. Without one, everything is absent.
 * @throws RootfsError `IMAGE_INVALID`
 */
export function extractConfig(value: unknown, reference: string): ExtractedConfig {
  const found = checked(runSchema, value ?? {}, reference);
  const { Entrypoint = null, Cmd = null, Env = null, Healthcheck: health } = found;
  const [WorkingDir, User] = [found.WorkingDir ?? "", found.User ?? ""];
  return {
    config: {
      entrypoint: Entrypoint,
      cmd: Cmd,
      env: Env,
      workingDir: WorkingDir,
      user: User,
      labels: found.Labels ?? undefined,
      exposedPorts: found.ExposedPorts ? Object.keys(found.ExposedPorts) : undefined,
      volumes: found.Volumes ? Object.keys(found.Volumes) : undefined,
      stopSignal: found.StopSignal || undefined,
      shell: found.Shell ?? undefined,
      healthcheck: health
        ? {
            test: health.Test ?? undefined,
            interval: health.Interval ?? undefined,
            timeout: health.Timeout ?? undefined,
            startPeriod: health.StartPeriod ?? undefined,
            startInterval: health.StartInterval ?? undefined,
            retries: health.Retries ?? undefined,
          }
        : undefined,
    },
    configJson: JSON.stringify({ Entrypoint, Cmd, Env, WorkingDir, User }),
  };
}

/** What cannot be used as an image. */
export function imageInvalid(reference: string, reason: string, cause?: unknown): RootfsError<"IMAGE_INVALID"> {
  return new RootfsError("IMAGE_INVALID", `cannot use ${reference}: ${reason}`, { reference, reason }, { cause });
}

function checked<Shape>(schema: z.ZodType<Shape>, value: unknown, reference: string): Shape {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".").slice(0, 150) || "body";
  throw imageInvalid(reference, `its config cannot be read: ${path}: ${issue?.message ?? "wrong shape"}`, result.error);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
