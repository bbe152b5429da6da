/**
 * Does the same with each of many, a few at a time. Redis serves what came on one connection in one go: what is sent for all
 * partitions at once holds everybody else up for the sum of it.
 * @returns the results, in the order of `items`
 */
export async function someAtATime<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, lane));
  return results;
}
