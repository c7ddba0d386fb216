import { api, ok } from "./client";
import { getCollection } from "./collections";
import { Problem } from "./problem";
import type { components } from "./schema";
import type { Page } from "./types";

type Schemas = components["schemas"];

export type Remodel = Schemas["RemodelOut"];
export type ModelChoices = Schemas["ChoicesOut"];
export type Comparison = Schemas["ComparisonOut"];
export type LeftBehind = Schemas["LeftBehindOut"];

const PAGE = 50;
const of = (collection: string): { path: { collection: string } } => ({ path: { collection } });

/** How far the change of model is; null where none is under way. */
export async function getRemodel(collection: string): Promise<Remodel | null> {
  // Asking for a change that is not there is answered with 404, which browsers show as an error of the page.
  if (!(await getCollection(collection)).changing_model) return null;
  try {
    return await ok(api.GET("/api/collections/{collection}/model", { params: of(collection) }));
  } catch (error) {
    if (error instanceof Problem && error.code === "no_model_change") return null; // it ended in between
    throw error;
  }
}

export function listModelChoices(collection: string): Promise<ModelChoices> {
  return ok(api.GET("/api/collections/{collection}/model/choices", { params: of(collection) }));
}

export function startRemodel(collection: string, model: string): Promise<Remodel> {
  return ok(api.POST("/api/collections/{collection}/model", { params: of(collection), body: { model } }));
}

export async function abandonRemodel(collection: string): Promise<void> {
  await ok(api.DELETE("/api/collections/{collection}/model", { params: of(collection) }));
}

export function compareModels(collection: string, queries: number, threshold: number): Promise<Comparison> {
  const body = { queries, threshold };
  return ok(api.POST("/api/collections/{collection}/model/compare", { params: of(collection), body }));
}

/** `anyway`: although faces are left to embed. */
export function switchModel(collection: string, anyway: boolean): Promise<Remodel> {
  return ok(
    api.POST("/api/collections/{collection}/model/switch", { params: of(collection), body: { anyway } }),
  );
}

export function rollBackModel(collection: string): Promise<Remodel> {
  return ok(api.POST("/api/collections/{collection}/model/roll-back", { params: of(collection) }));
}

export function finishRemodel(collection: string): Promise<Remodel> {
  return ok(api.POST("/api/collections/{collection}/model/finish", { params: of(collection) }));
}

export async function listLeftBehind(
  collection: string,
  cursor: string | undefined,
): Promise<Page<LeftBehind & { id: string }>> {
  const params = { ...of(collection), query: { limit: PAGE, cursor } };
  const page = await ok(api.GET("/api/collections/{collection}/model/left-behind", { params }));
  return { ...page, items: page.items.map((face) => ({ ...face, id: face.face_id })) };
}
