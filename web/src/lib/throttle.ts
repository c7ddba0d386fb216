/** At most one run per `milliseconds`: the first at once, and one more at the end when calls came in between. */
export function throttle(milliseconds: number, run: () => void): { (): void; cancel(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let again = false;
  const tick = (): void => {
    timer = undefined;
    if (again) call();
  };
  const call = (): void => {
    if (timer !== undefined) {
      again = true;
      return;
    }
    again = false;
    timer = setTimeout(tick, milliseconds);
    run();
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = undefined;
    again = false;
  };
  return call;
}
