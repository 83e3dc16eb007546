import * as fc from "fast-check";
import { expect, test } from "vitest";
import { digestOf, parseDigest } from "../oci/digest.ts";
import { randomBytes } from "../testing/random-bytes.ts";
import { HashTrail } from "./hash-trail.ts";

const mebibyte = 1024 * 1024;
const bytes = randomBytes(5 * mebibyte, "trail");
const digest = digestOf(bytes);

function trailOver(end: number, piece: number): HashTrail {
  const trail = new HashTrail(digest);
  for (let at = 0; at < end; at += piece) trail.update(bytes.subarray(at, Math.min(end, at + piece)));
  return trail;
}

test("goes back to any place and comes to the same digest", () => {
  const place = fc.integer({ min: 0, max: bytes.byteLength });
  fc.assert(
    fc.property(place, place, fc.integer({ min: 10_000, max: 3 * mebibyte }), (end, offset, piece) => {
      const trail = trailOver(end, piece).before(offset);
      expect(trail.position).toBe(Math.floor(Math.min(end, offset) / mebibyte) * mebibyte);
      trail.update(bytes.subarray(trail.position));
      expect(trail.digest()).toBe(digest);
    }),
    { numRuns: 30 },
  );
});

test("does not change when the trail it came from goes on, nor the other way round", () => {
  const trail = trailOver(2 * mebibyte, 100_000);
  const other = trail.before(mebibyte);
  trail.update(bytes.subarray(2 * mebibyte));
  other.update(new Uint8Array(3));
  expect(trail.digest()).toBe(digest);
  expect(trail.before(2 * mebibyte).position).toBe(2 * mebibyte);
  expect(other.position).toBe(mebibyte + 3);
});

test("forgets what is more than 64 MiB back, but not the start", () => {
  const trail = new HashTrail(parseDigest(digest));
  for (let n = 0; n < 70; n += 1) trail.update(bytes.subarray(0, mebibyte));
  expect(trail.before(7 * mebibyte).position).toBe(7 * mebibyte);
  expect(trail.before(7 * mebibyte - 1).position).toBe(0);
});
