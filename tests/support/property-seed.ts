import fc from "fast-check";

/**
 * Random properties take the same inputs in every run of the suite, so that a change is judged by what it changes.
 * `pnpm soak properties` looks further, with new seeds and more runs; `PROPERTY_SEED` and `PROPERTY_RUNS` repeat what it found.
 */
const { PROPERTY_SEED = "20261121", PROPERTY_RUNS } = process.env;

fc.configureGlobal({
  seed: Number(PROPERTY_SEED),
  ...(PROPERTY_RUNS === undefined ? {} : { numRuns: Number(PROPERTY_RUNS) }),
});
