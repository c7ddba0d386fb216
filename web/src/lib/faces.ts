/** Four corner brackets, like the focus points of a camera, as an SVG path. */
export function corners(x: number, y: number, width: number, height: number): string {
  const arm = Math.max(3, Math.min(width, height) * 0.26);
  const [right, bottom] = [x + width, y + height];
  return [
    `M${f(x)} ${f(y + arm)}V${f(y)}H${f(x + arm)}`,
    `M${f(right - arm)} ${f(y)}H${f(right)}V${f(y + arm)}`,
    `M${f(right)} ${f(bottom - arm)}V${f(bottom)}H${f(right - arm)}`,
    `M${f(x + arm)} ${f(bottom)}H${f(x)}V${f(bottom - arm)}`,
  ].join("");
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/**
 * The square cut-out around a face, with a margin of 30 %, as an SVG viewBox in the pixels of an image of
 * `width` × `height`. May leave the image, as a box at its border does.
 */
export function cropAround(box: Box, width: number, height: number): string {
  const side = Math.max(box.width * width, box.height * height) * 1.3;
  const centreX = (box.left + box.width / 2) * width;
  const centreY = (box.top + box.height / 2) * height;
  return [centreX - side / 2, centreY - side / 2, side, side].map(f).join(" ");
}

const f = (value: number): string => String(Math.round(value * 10) / 10);
