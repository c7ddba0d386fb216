import { api, ok } from "./client";
import { patiently, postFile } from "./post";
import type { components } from "./schema";
import type { Page } from "./types";

type Schemas = components["schemas"];

export type Collection = Schemas["CollectionOut"];
export type CollectionChange = Schemas["CollectionChange"];
export type NewCollection = Schemas["CollectionIn"];
export type CollectionFace = Schemas["CollectionFaceOut"];
export type FaceFacts = Schemas["SeenFaceOut"];
export type Indexed = Schemas["IndexedOut"];
export type Match = Schemas["MatchOut"];
export type Searched = Schemas["SearchedOut"];
export type Person = Schemas["PersonOut"];

export interface IndexOptions {
  externalId: string | null;
  quality: "AUTO" | "LOW" | "HIGH" | "NONE";
  /** At most so many faces of the photo. */
  most: number;
}

const PAGE = 60;
/** Searches bring more than is shown, so that the least similarity can be moved without asking again. */
export const LEAST_SIMILARITY = 50;
const MOST_MATCHES = 25;

const named = (collection: string): { path: { collection: string } } => ({ path: { collection } });

function address(...parts: string[]): string {
  return ["/api/collections", ...parts.map(encodeURIComponent)].join("/");
}

/** Lists grow by things that have an `id`. */
function withIds<T, K extends keyof T & string>(page: Page<T>, key: K): Page<T & { id: string }> {
  return { ...page, items: page.items.map((item) => ({ ...item, id: String(item[key]) })) };
}

export function listCollections(cursor: string | undefined): Promise<Page<Collection>> {
  return ok(api.GET("/api/collections", { params: { query: { limit: PAGE, cursor } } }));
}

export function getCollection(name: string): Promise<Collection> {
  return ok(api.GET("/api/collections/{collection}", { params: named(name) }));
}

export function createCollection(body: NewCollection): Promise<Collection> {
  return ok(api.POST("/api/collections", { body }));
}

export function changeCollection(name: string, body: CollectionChange): Promise<Collection> {
  return ok(api.PATCH("/api/collections/{collection}", { params: named(name), body }));
}

export async function deleteCollection(name: string): Promise<void> {
  await ok(api.DELETE("/api/collections/{collection}", { params: named(name) }));
}

export function indexFaces(
  name: string,
  file: File,
  options: IndexOptions,
  onprogress: (ratio: number) => void,
): Promise<Indexed> {
  const query = new URLSearchParams({ quality_filter: options.quality, max_faces: String(options.most) });
  if (options.externalId) query.set("external_image_id", options.externalId);
  return postFile(`${address(name, "faces")}?${query}`, { file, onprogress });
}

/** Searches with every face of a photo. */
export function searchPhoto(
  name: string,
  file: File,
  onprogress: (ratio: number) => void,
): Promise<Searched> {
  const query = new URLSearchParams({ threshold: String(LEAST_SIMILARITY), limit: String(MOST_MATCHES) });
  return patiently(() => postFile(`${address(name, "search")}?${query}`, { file, onprogress }));
}

/** The faces of the collection that are like one of it. */
export async function findAlike(name: string, faceId: string): Promise<Match[]> {
  const params = {
    path: { collection: name, face_id: faceId },
    query: { threshold: LEAST_SIMILARITY, limit: MOST_MATCHES },
  };
  const found = await ok(api.POST("/api/collections/{collection}/faces/{face_id}/search", { params }));
  return found.matches;
}

export async function listFaces(
  name: string,
  { cursor, person }: { cursor: string | undefined; person: string | undefined },
): Promise<Page<CollectionFace & { id: string }>> {
  const query = { limit: PAGE, cursor, user_id: person };
  const page = await ok(
    api.GET("/api/collections/{collection}/faces", { params: { ...named(name), query } }),
  );
  return withIds(page, "face_id");
}

export async function deleteFaces(name: string, faceIds: string[]): Promise<number> {
  const body = { face_ids: faceIds };
  const done = await ok(
    api.POST("/api/collections/{collection}/faces/delete", { params: named(name), body }),
  );
  return done.face_ids.length;
}

export const chipUrl = (collection: string, faceId: string): string =>
  address(collection, "faces", faceId, "chip");

export async function listPeople(
  name: string,
  cursor: string | undefined,
): Promise<Page<Person & { id: string }>> {
  const query = { limit: PAGE, cursor };
  const page = await ok(
    api.GET("/api/collections/{collection}/users", { params: { ...named(name), query } }),
  );
  return withIds(page, "user_id");
}

export function createPerson(name: string, person: string): Promise<Person> {
  const body = { user_id: person };
  return ok(api.POST("/api/collections/{collection}/users", { params: named(name), body }));
}

export async function deletePerson(name: string, person: string): Promise<void> {
  const params = { path: { collection: name, person } };
  await ok(api.DELETE("/api/collections/{collection}/users/{person}", { params }));
}

export async function assignFaces(
  name: string,
  person: string,
  faceIds: string[],
): Promise<{ assigned: number; refused: number }> {
  const params = { path: { collection: name, person } };
  const body = { face_ids: faceIds };
  const done = await ok(api.POST("/api/collections/{collection}/users/{person}/faces", { params, body }));
  return { assigned: done.face_ids.length, refused: done.not_done.length };
}

export type Erasure = Schemas["ErasureOut"];

/** Erases for good, with a signed receipt; needs the scope `admin`. */
export function erase(what: Schemas["ErasureIn"]): Promise<Erasure> {
  return ok(api.POST("/api/erasures", { body: what }));
}

export function getErasure(id: string): Promise<Erasure> {
  return ok(api.GET("/api/erasures/{erasure_id}", { params: { path: { erasure_id: id } } }));
}

export const receiptUrl = (erasureId: string): string =>
  `/api/erasures/${encodeURIComponent(erasureId)}/receipt`;
