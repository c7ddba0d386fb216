type Exif = Record<string, unknown>;

/** "1/250 s · f/2.8 · ISO 400 · 50 mm"; whatever is missing is left out. */
export function exposureOf(exif: Exif): string {
  const [time, aperture] = [positive(exif.exposure_seconds), positive(exif.f_number)];
  const [iso, focal] = [positive(exif.iso), positive(exif.focal_length_mm)];
  return [
    time && `${shutter(time)} s`,
    aperture && `f/${round(aperture)}`,
    iso && `ISO ${iso}`,
    focal && `${round(focal)} mm`,
  ]
    .filter(Boolean)
    .join(" · ");
}

export function exifText(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

/** As on the dial of a camera: fractions below 0.4 s. */
function shutter(seconds: number): string {
  return seconds >= 0.4 ? String(round(seconds)) : `1/${Math.round(1 / seconds)}`;
}

const positive = (value: unknown): number | null => (typeof value === "number" && value > 0 ? value : null);

const round = (value: number): number => Math.round(value * 10) / 10;
