import { api, ok } from "./client";
import type { Erasure } from "./collections";
import type { components } from "./schema";
import type { Page } from "./types";

export type Kept = components["schemas"]["BiometricsOut"];

const PAGE = 20;

export function getKept(): Promise<Kept> {
  return ok(api.GET("/api/biometrics"));
}

export function listErasures(cursor: string | undefined): Promise<Page<Erasure>> {
  return ok(api.GET("/api/erasures", { params: { query: { limit: PAGE, cursor } } }));
}
