import type { PlannedStep } from "./planner.ts";

/** How many images a step adds and how many bytes its blobs have, each counted once for every repository. */
export function stepTotals({ section }: PlannedStep): { readonly images: number; readonly bytes: number } {
  let images = 0;
  let bytes = 0;
  for (const repository of section.repositories) {
    images += repository.images.length;
    bytes += repository.blobs.reduce((sum, { size }) => sum + size, 0);
  }
  return { images, bytes };
}
