import { numbers, plurals } from "../../plural";

export const plural = plurals("en");
export const n = numbers("en");
export const photos = (count: number): string =>
  plural(count, { one: "1 photo", other: `${n(count)} photos` });
export const faces = (count: number): string =>
  count === 0 ? "no faces" : plural(count, { one: "1 face", other: `${n(count)} faces` });
export const failures = (count: number): string =>
  plural(count, { one: "1 failure", other: `${n(count)} failures` });
