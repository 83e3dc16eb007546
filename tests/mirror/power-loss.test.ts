import { expect, test } from "vitest";
import { powerRounds } from "../soak/power.ts";

test("a pull that loses power, and with it what was not flushed yet, is healed by the next run", {
  timeout: 90_000,
}, async () => {
  const rounds = await powerRounds({ rounds: 8, seed: 1000, chunkBytes: 100_000 });
  expect(rounds).toHaveLength(8);
  expect(rounds.filter(({ differing, failure }) => differing.length > 0 || failure !== undefined)).toEqual([]);
  // Undisturbed rounds would prove nothing.
  expect(rounds.flatMap(({ cuts }) => cuts).filter((cut) => cut.includes("SIGKILL")).length).toBeGreaterThan(5);
});
