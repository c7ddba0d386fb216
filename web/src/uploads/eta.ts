/**
 * Seconds until `total` are finished, from the pace since `startedAt` (milliseconds); null while there is too little
 * to judge by.
 */
export function secondsLeft(finished: number, total: number, startedAt: number, now: number): number | null {
  if (finished < 2 || finished >= total) return null;
  const elapsed = (now - startedAt) / 1000;
  if (elapsed < 2) return null;
  return (elapsed / finished) * (total - finished);
}
