interface Boxed {
  bounding_box: { left: number };
}

interface Outcome<F extends Boxed> {
  faces: { face: F }[];
  left_out: { face: F; reasons: string[] }[];
}

/** The faces that were left out of a photo, counted from the left among all of its faces. */
export function leftOutFaces<F extends Boxed>(outcome: Outcome<F>): { index: number; reasons: string[] }[] {
  const places = [...outcome.faces, ...outcome.left_out]
    .map(({ face }) => face.bounding_box.left)
    .sort((a, b) => a - b);
  return outcome.left_out
    .map(({ face, reasons }) => ({ index: places.indexOf(face.bounding_box.left) + 1, reasons }))
    .sort((a, b) => a.index - b.index);
}
