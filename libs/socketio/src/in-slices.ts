/** Runs a task for each item, so many at a time; thousands at once would hold all of what they need until the last is done. */
export async function inSlices<Item>(
  items: readonly Item[],
  size: number,
  task: (item: Item) => Promise<unknown>,
): Promise<void> {
  for (let first = 0; first < items.length; first += size) {
    await Promise.all(items.slice(first, first + size).map(task));
  }
}
