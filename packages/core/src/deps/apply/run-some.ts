/**
 * Does `work` for each item, at most so many at a time, begun in their order. The first failure ends it: nothing more is
 * begun, and it rejects once what is under way has settled.
 */
export async function runSome<Item>(
  items: readonly Item[],
  atATime: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const runner = async () => {
    while (failure === undefined && next < items.length) {
      const index = next;
      next += 1;
      try {
        await work(items[index] as Item, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, runner));
  if (failure !== undefined) throw failure.error;
}
