/**
 * What `task` makes of each item, in the items' order, with at most `inFlight` of them under way: what waits costs nothing.
 * After a failure, which is thrown at once, no further task begins.
 */
export async function mapInFlight<Item, Result>(
  items: readonly Item[],
  inFlight: number,
  task: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const waiting = items.entries();
  let hasFailed = false;
  const work = async () => {
    for (const [at, item] of waiting) {
      if (hasFailed) return;
      try {
        results[at] = await task(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, items.length) }, work));
  return results;
}
