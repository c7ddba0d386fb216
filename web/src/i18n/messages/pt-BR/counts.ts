import { numbers, plurals } from "../../plural";

export const plural = plurals("pt-BR");
export const n = numbers("pt-BR");
export const photos = (count: number): string =>
  plural(count, { one: `${n(count)} foto`, other: `${n(count)} fotos` });
export const faces = (count: number): string =>
  count === 0 ? "nenhum rosto" : plural(count, { one: `${n(count)} rosto`, other: `${n(count)} rostos` });
export const failures = (count: number): string =>
  plural(count, { one: `${n(count)} falha`, other: `${n(count)} falhas` });
