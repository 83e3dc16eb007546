import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BundleDirectory, PackagesService, plan, pull } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { seedBigCatalog } from "../support/big-catalog.ts";
import { PatientServer } from "../support/patient-server.ts";
import { runToEnd } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const size = { packages: 24, versions: 5 };
const include = Array.from({ length: size.packages }, (_, at) => `package-${at}@>=1.0.0`);

/** What a client has under way at one host unless told otherwise: small requests and downloads together. */
const slots = 16;

test.for(["plan", "pull"] as const)(
  "a %s of many small packages keeps half of the source's slots taken",
  async (kind) => {
    await using server = await PatientServer.start();
    seedBigCatalog(server.registry, size);
    await using source = createRegistry(`${server.host}/demo`);
    const service = new PackagesService({ source, include });
    if (kind === "plan") await plan([service]);
    else {
      await using bundle = await BundleDirectory.open(tempFolder());
      await pull([service], { to: bundle });
    }
    const together = [...server.together()].sort((a, b) => a - b);
    expect(Math.max(...together)).toBeLessThanOrEqual(slots);
    expect(together[Math.floor(together.length / 2)]).toBeGreaterThanOrEqual(slots / 2);
  },
);

test("a pull of many small packages needs little memory", async () => {
  await using registry = await startTestRegistry();
  seedBigCatalog(registry.registry, size);
  const folder = tempFolder();
  const usageFile = join(folder, "usage.json");
  const wanted = include.flatMap((expression) => ["--include-package", expression]);
  const args = ["pull", join(folder, "bundle"), "--source", `${registry.host}/demo`, "--no-modules", ...wanted];
  const run = await runToEnd(args, { usageFile });
  expect(run).toMatchObject({ code: 0, stderr: expect.not.stringContaining("warning") });
  const { peakRssBytes } = JSON.parse(readFileSync(usageFile, "utf8")) as { readonly peakRssBytes: number };
  expect(peakRssBytes).toBeLessThan(200 * 1024 * 1024);
});
