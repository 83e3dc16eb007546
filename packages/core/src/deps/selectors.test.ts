import fc from "fast-check";
import { expect, test } from "vitest";
import { isDepsError } from "./errors.ts";
import { chooseNames, isSelected, joinSelectors, parseNames, parseSelection } from "./selectors.ts";

test("names are split at commas, trimmed, in lower case, each once and in their order", () => {
  expect(parseNames(["Gcp, aws", " ", "aws,,Proxmox "])).toEqual(["gcp", "aws", "proxmox"]);
  expect(parseNames(" , ")).toEqual([]);
});

test.for([
  { name: "a value that is wanted", selectors: { provider: ["aws"] }, wanted: "aws", selected: true },
  { name: "one of several values", selectors: { provider: ["gcp", "AWS"] }, wanted: "aws", selected: true },
  { name: "another value", selectors: { provider: ["gcp"] }, wanted: "aws", selected: false },
  { name: "no value on the axis", selectors: {}, wanted: "aws", selected: true },
  { name: "no value, where nothing is wanted", selectors: {}, wanted: "", selected: true },
  { name: "a value, where nothing is wanted", selectors: { provider: ["aws"] }, wanted: "", selected: false },
  { name: "a value, where all are wanted", selectors: { provider: ["gcp"] }, wanted: "aws,ALL", selected: true },
  { name: "an empty list", selectors: { provider: [] }, wanted: "aws", selected: false },
  { name: "a value on another axis", selectors: { addon: ["traefik"] }, wanted: "aws", selected: true },
])("an item with $name is selected: $selected", ({ selectors, wanted, selected }) => {
  expect(isSelected(selectors, { provider: chooseNames(wanted) })).toBe(selected);
});

test("items that say nothing of an axis are left out where that is asked for", () => {
  const selection = { team: chooseNames("core", { dropUnlabelled: true }) };
  expect(isSelected({}, selection)).toBe(false);
  expect(isSelected({ team: ["core"] }, selection)).toBe(true);
});

test("expressions name axes of the user's own, and add up", () => {
  expect(parseSelection(["arch=amd64", "team = Core,ops", "arch=arm64,amd64"])).toEqual({
    arch: { values: ["amd64", "arm64"] },
    team: { values: ["core", "ops"] },
  });
  expect(parseSelection(["provider=aws,all"])).toEqual({ provider: { values: "all" } });
});

test.for([["arch"], ["=amd64"], ["arch="], ["arch= , "], ["a b=c"], [""], ["-x=y"]])(
  "%j is no choice",
  ([text = ""]) => {
    try {
      parseSelection([text]);
      expect.unreachable();
    } catch (error) {
      expect(isDepsError(error, "SELECTION_INVALID")).toBe(true);
    }
  },
);

test("an axis named as a property of every object is one like any other", () => {
  expect(isSelected({}, parseSelection(["constructor=a"]))).toBe(true);
  expect(joinSelectors({ toString: ["a"] }, {})).toEqual({});
});

test("what two items share is selected exactly when one of them is, on each axis", () => {
  const axis = fc.subarray(["a", "b", "c"]);
  const selectors = fc.dictionary(fc.constantFrom("arch", "provider"), axis);
  fc.assert(
    fc.property(selectors, selectors, fc.constantFrom("arch", "provider"), axis, (one, other, name, values) => {
      const selection = { [name]: { values } };
      expect(isSelected(joinSelectors(one, other), selection)).toBe(
        isSelected(one, selection) || isSelected(other, selection),
      );
    }),
  );
});
