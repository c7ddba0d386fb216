/** Round numbers from zero to at least `max`, about `count` steps of them: 0, 5, 10, 15. */
export function ticks(max: number, count = 4): number[] {
  if (max <= 0) return [0, 1];
  const rough = max / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough) ?? 10;
  const step = Math.max(1, factor * power); // photos and faces come in whole numbers
  const steps = Math.ceil(max / step);
  return Array.from({ length: steps + 1 }, (_, index) => index * step);
}

/** Every how many-eth of `count` labels can be written when each needs `need` pixels of `width`. */
export function labelEvery(count: number, width: number, need: number): number {
  const room = Math.max(1, Math.floor(width / need));
  return Math.max(1, Math.ceil(count / room));
}
