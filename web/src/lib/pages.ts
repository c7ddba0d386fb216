/** What follows `head` in `items`; null when the two do not touch, so that joining them would hide a gap. */
export function itemsBelow<T extends { id: string }>(items: T[], head: T[]): T[] | null {
  const last = head.at(-1);
  const edge = items.findIndex((item) => item.id === last?.id);
  if (edge < 0) return null;
  const fresh = new Set(head.map((item) => item.id));
  return items.slice(edge + 1).filter((item) => !fresh.has(item.id));
}
