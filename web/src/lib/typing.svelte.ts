const PAUSE_MS = 300;

/** Does it when typing pauses, unless the field is gone by then. */
export function whenTyped(act: (text: string) => void): (text: string) => void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  $effect(() => () => clearTimeout(waiting));
  return (text) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(text.trim()), PAUSE_MS);
  };
}
