import { plan } from "@tranship/core";
import type { MemoryRegistry } from "@tranship/registry";
import { expect, test } from "vitest";
import { everything, soakContent } from "./soak-content.ts";
import { isRightButFor, toldRefusals } from "./told-refusals.ts";

test("a list may lack what it says was refused, where something was, and nothing else", async () => {
  const truth = await plan(everything((await soakContent(3)) as MemoryRegistry));
  const archive = truth.archives.find(({ archive: name }) => name.endsWith("-versions.tar"));
  const [refused] = archive?.sections[0]?.repositories ?? [];
  if (!archive || !refused) throw new Error("the content has no catalog");
  const missing = { component: archive.component, reference: refused.source, why: "catalog", archive: archive.archive };
  const lacking = {
    ...truth,
    archives: truth.archives.map((one) =>
      one === archive
        ? {
            ...one,
            sections: one.sections.map((section) => ({
              repositories: section.repositories.filter((repository) => repository !== refused),
            })),
          }
        : one,
    ),
    missing: [...truth.missing, missing],
  };
  const told = toldRefusals(lacking.missing, truth.missing, new Map([["403 out of nothing", 1]]));
  expect(told).toEqual([missing]);
  expect(toldRefusals(lacking.missing, truth.missing, new Map([["504", 1]]))).toEqual([]);
  expect(isRightButFor(told, lacking, truth)).toBe(true);
  expect(isRightButFor([], lacking, truth)).toBe(false);
  expect(isRightButFor(told, { ...lacking, archives: lacking.archives.slice(1) }, truth)).toBe(false);
  expect(isRightButFor([], truth, truth)).toBe(true);
});
