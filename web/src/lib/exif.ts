type Exif = Record<string, unknown>;

/** "1/250 s · f/2.8 · ISO 400 · 50 mm" from the usual EXIF fields; whatever is missing is left out. */
export function exposureOf(exif: Exif): string {
  const time = seconds(exif.ExposureTime);
  const aperture = asNumber(exif.FNumber);
  const iso = asNumber(exif.ISOSpeedRatings ?? exif.PhotographicSensitivity);
  const focal = asNumber(exif.FocalLength);
  return [
    time && `${time} s`,
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

function seconds(value: unknown): string | null {
  const time = asNumber(value);
  if (time === null || time <= 0) return null;
  return time >= 0.4 ? String(round(time)) : `1/${Math.round(1 / time)}`;
}

/** A number, or a fraction written as text ("1/250"). */
function asNumber(value: unknown): number | null {
  if (Array.isArray(value)) return asNumber(value[0]);
  const fraction = typeof value === "string" ? /^(\d+(?:\.\d+)?)\/(\d+(?:\.\d+)?)$/.exec(value.trim()) : null;
  const result = fraction ? Number(fraction[1]) / Number(fraction[2]) : Number(value ?? Number.NaN);
  return Number.isFinite(result) ? result : null;
}

const round = (value: number): number => Math.round(value * 10) / 10;
