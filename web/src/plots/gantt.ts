export interface Bar {
  /** Both 0–1 of the whole. */
  start: number;
  length: number;
}

/** Steps that follow one another, each as long as its milliseconds, laid out along the time they take together. */
export function layOut(durations: number[]): Bar[] {
  const total = durations.reduce((sum, duration) => sum + Math.max(0, duration), 0);
  let before = 0;
  return durations.map((duration) => {
    const length = total > 0 ? Math.max(0, duration) / total : 0;
    const bar = { start: before, length };
    before += length;
    return bar;
  });
}
