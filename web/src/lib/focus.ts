/** After a navigation the focus goes to the new heading, which may appear only once its content has arrived. */
let awaited = false;

export function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>("h1");
  awaited = heading === null;
  heading?.focus({ preventScroll: true });
}

/** To be attached to every heading of a page. */
export function takeFocus(heading: HTMLElement): void {
  if (!awaited) return;
  awaited = false;
  // Whoever moved on meanwhile is left where they are.
  if (document.activeElement === document.body) heading.focus({ preventScroll: true });
}
