import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseShard } from "@tranship/core";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import * as z from "zod";
import { idleProgram } from "../../../../tests/support/idle-program.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";

const examples = join(import.meta.dirname, "../../../../examples");

const program = idleProgram();

const job = z.object({
  kind: z.literal("Job"),
  spec: z.object({
    completionMode: z.literal("Indexed").optional(),
    completions: z.number().int().optional(),
    parallelism: z.number().int().optional(),
    template: z.object({
      spec: z.object({
        restartPolicy: z.literal("Never"),
        containers: z
          .array(
            z.object({
              command: z.array(z.string()),
              args: z.array(z.string()).optional(),
              env: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
              volumeMounts: z.array(z.object({ name: z.string() })),
            }),
          )
          .length(1),
        volumes: z.array(z.object({ name: z.string() })),
      }),
    }),
  }),
});

const workflow = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      needs: z.string().optional(),
      strategy: z.object({ matrix: z.object({ shard: z.array(z.number()) }) }).optional(),
      steps: z.array(z.object({ run: z.string().optional() })),
    }),
  ),
});

/** The documents of a YAML file without a fault. */
function documents(file: string): readonly unknown[] {
  return [...parseAllDocuments(readFileSync(join(examples, file), "utf8"), { strict: true })].map((document) => {
    expect([file, document.errors, document.warnings]).toEqual([file, [], []]);
    return document.toJS();
  });
}

/** Runs a command line in a folder where `tranship` says what it is given. */
function wordsOf(command: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const folder = tempFolder();
  const stub = join(folder, "tranship");
  writeFileSync(stub, '#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n');
  chmodSync(stub, 0o755);
  const [program = "", ...args] = command;
  const PATH = `${folder}:${process.env.PATH ?? ""}`;
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, env: { ...env, PATH }, encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.trim().split("\n");
}

/** What the program understands by these words; it has to know all flags. */
function understood([name, ...words]: readonly string[]) {
  const command = program.commands.find((one) => one.name() === name);
  if (!command) throw new Error(`${name} is no command`);
  const { operands, unknown } = command.parseOptions([...words]);
  expect(unknown).toEqual([]);
  const { shard } = command.opts<{ readonly shard?: string }>();
  command.setOptionValue("shard", undefined);
  return { name, operands, shard: shard === undefined ? undefined : parseShard(shard) };
}

const all = (count: number) => Array.from({ length: count }, (_, at) => ({ index: at + 1, count }));

test.for(readdirSync(join(examples, "kubernetes")))(
  "kubernetes/%s has commands that there are, and every shard once",
  (file) => {
    const jobs = documents(`kubernetes/${file}`).flatMap((one) => (job.safeParse(one).data ? [job.parse(one)] : []));
    expect(jobs).toHaveLength(1);
    for (const { spec } of jobs) {
      const { containers, volumes } = spec.template.spec;
      for (const { command, args = [], env = [], volumeMounts } of containers) {
        expect(volumeMounts.map(({ name }) => name)).toEqual(volumes.map(({ name }) => name));
        const count = spec.completions ?? 1;
        const runs = all(count).map(({ index }) => {
          const given = { ...Object.fromEntries(env.map(({ name, value }) => [name, value])) };
          const completion = spec.completionMode ? { JOB_COMPLETION_INDEX: String(index - 1) } : undefined;
          return understood(wordsOf([...command, ...args], { ...given, ...completion }));
        });
        const shards = runs.map(({ shard }) => shard);
        expect(shards).toEqual(spec.completionMode ? all(count) : [undefined]);
        if (file === "sharded-pull.yaml")
          expect(runs.map(({ operands }) => operands)).toEqual(
            all(count).map(({ index }) => [`/mirror/part-${index}`]),
          );
      }
    }
  },
);

test("ci/github-sharded-mirror.yml has commands that there are, every shard once, and jobs in an order that there is", () => {
  const [document] = documents("ci/github-sharded-mirror.yml");
  const { jobs } = workflow.parse(document);
  const names: string[] = [];
  for (const [job, { needs, strategy, steps }] of Object.entries(jobs)) {
    if (needs !== undefined) expect(Object.keys(jobs)).toContain(needs);
    const matrix = strategy?.matrix.shard ?? [];
    for (const line of steps.flatMap(({ run }) => run ?? [])) {
      const shards = (matrix.length === 0 ? [0] : matrix).map((index) => {
        const values: Readonly<Record<string, number>> = { "matrix.shard": index, "strategy.job-total": matrix.length };
        const script = line.replace(/\$\{\{ ([a-z.-]+) \}\}/g, (_all, name: string) => String(values[name]));
        const { name, shard } = understood(wordsOf(["/bin/sh", "-c", script], {}));
        names.push(`${job} ${name}`);
        return shard;
      });
      expect(shards).toEqual(matrix.length === 0 ? [undefined] : all(matrix.length));
    }
  }
  expect([...new Set(names)]).toEqual(["plan plan", "pull pull", "bundle join", "bundle verify"]);
});
