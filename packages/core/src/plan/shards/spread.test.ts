import fc from "fast-check";
import { expect, test } from "vitest";
import { shardOfName } from "./shard-of-name.ts";
import { spread, type Unit } from "./spread.ts";

const name = fc.string({ minLength: 1, maxLength: 8 });
const weight = fc.oneof(fc.constant(0), fc.nat({ max: 10 }), fc.nat({ max: 10_000_000_000 }));
const units = fc.uniqueArray(fc.record({ name, weight }), { selector: (unit) => unit.name, maxLength: 60 });
const count = fc.integer({ min: 1, max: 9 });

const indexes = (of: number) => Array.from({ length: of }, (_, index) => index + 1);
const all = (given: readonly Unit[], of: number) => indexes(of).map((index) => spread(given, { index, count: of }));

test("every unit is in exactly one shard", () => {
  fc.assert(
    fc.property(units, count, (given, of) => {
      const names = all(given, of).flatMap((one) => [...one.names]);
      expect(names.sort()).toEqual(given.map((unit) => unit.name).sort());
    }),
  );
});

test("the order of units makes no difference", () => {
  const twice = units.chain((given) =>
    fc.tuple(fc.constant(given), fc.shuffledSubarray(given, { minLength: given.length })),
  );
  fc.assert(
    fc.property(twice, count, ([given, shuffled], of) => {
      expect(all(shuffled, of)).toEqual(all(given, of));
    }),
  );
});

test("no shard is heavier than another by more than the heaviest unit", () => {
  fc.assert(
    fc.property(units, count, (given, of) => {
      const weights = given.map((unit) => unit.weight).sort((a, b) => b - a);
      const [heaviest = 0] = weights;
      const total = weights.reduce((sum, one) => sum + one, 0);
      const shards = all(given, of);
      const loads = shards.map((one) => one.weight);
      expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(heaviest);
      for (const one of shards) {
        expect(one.all).toEqual({ units: given.length, weight: total });
        expect(one.weight).toBe(given.reduce((sum, unit) => sum + (one.names.has(unit.name) ? unit.weight : 0), 0));
      }
    }),
  );
});

test("at most a third more than the best split there is falls to any shard", () => {
  const few = fc.array(fc.nat({ max: 100 }), { maxLength: 8 });
  fc.assert(
    fc.property(few, fc.integer({ min: 1, max: 3 }), (weights, of) => {
      const given = weights.map((one, index) => ({ name: String(index), weight: one }));
      const most = Math.max(...all(given, of).map((one) => one.weight));
      expect(most).toBeLessThanOrEqual((4 / 3) * bestOf(weights, of) + 1e-9);
    }),
  );
});

test("equal units are shared out evenly, also those that weigh nothing", () => {
  for (const weight of [0, 7]) {
    const given = indexes(11).map((index) => ({ name: `n${index}`, weight }));
    expect(all(given, 4).map((one) => one.names.size)).toEqual([3, 3, 3, 2]);
  }
});

test("of more shards than units, the last have nothing", () => {
  const shards = all(
    [
      { name: "a", weight: 5 },
      { name: "b", weight: 9 },
    ],
    4,
  );
  expect(shards.map((one) => [...one.names])).toEqual([["b"], ["a"], [], []]);
});

test("a name's shard is one of them, whatever the name", () => {
  fc.assert(
    fc.property(name, fc.integer({ min: 1, max: 1000 }), (given, of) => {
      const index = shardOfName(given, of);
      expect(Number.isInteger(index) && index >= 1 && index <= of).toBe(true);
      expect(shardOfName(given, of)).toBe(index);
    }),
  );
});

test("many names are shared out by themselves almost evenly, and as always", () => {
  const shards = indexes(3000).map((index) => shardOfName(`package-p${index}.tar`, 3));
  for (const index of [1, 2, 3]) {
    const { length } = shards.filter((one) => one === index);
    expect(length).toBeGreaterThan(900);
    expect(length).toBeLessThan(1100);
  }
  // machines with different versions of the program must agree
  const names = ["package-console.tar", "package-alb.tar", "package-versions.tar", "image-ghcr.io_-org_-app.tar"];
  expect(names.map((one) => shardOfName(one, 7))).toEqual([4, 2, 5, 3]);
});

/** The least that the fullest of so many shards can have, by trying all. */
function bestOf(weights: readonly number[], of: number): number {
  const loads = Array.from({ length: of }, () => 0);
  const place = (at: number): number => {
    const next = weights[at];
    if (next === undefined) return Math.max(...loads);
    return Math.min(
      ...loads.map((before, index) => {
        loads[index] = before + next;
        const best = place(at + 1);
        loads[index] = before;
        return best;
      }),
    );
  };
  return place(0);
}
