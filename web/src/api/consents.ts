import { api, ok } from "./client";
import type { components } from "./schema";
import type { Page } from "./types";

export type Consent = components["schemas"]["ConsentOut"];
export type NewConsent = components["schemas"]["ConsentIn"];

const PAGE = 30;

export function listConsents(collection: string, cursor: string | undefined): Promise<Page<Consent>> {
  const params = { path: { collection }, query: { limit: PAGE, cursor } };
  return ok(api.GET("/api/collections/{collection}/consents", { params }));
}

export function addConsent(collection: string, body: NewConsent): Promise<Consent> {
  return ok(api.POST("/api/collections/{collection}/consents", { params: { path: { collection } }, body }));
}

export async function withdrawConsent(collection: string, id: string): Promise<void> {
  const params = { path: { collection, consent_id: id } };
  await ok(api.POST("/api/collections/{collection}/consents/{consent_id}/withdraw", { params }));
}
