import { api, ok } from "./client";
import { postFile } from "./post";
import type { Face, Page } from "./types";
import type { Step } from "../lib/similarity";

export interface Collection {
  id: string;
  name: string;
  created_at: string;
  face_count: number;
  user_count: number;
  model: string;
  keep_chips: boolean;
  ttl_days: number | null;
  consent_note: string | null;
}

export interface CollectionFace {
  face_id: string;
  image_id: string;
  external_image_id: string | null;
  user_id: string | null;
  face: Face;
  model: string;
  indexed_at: string;
  chip?: string | null;
}

export type QualityFilter = "NONE" | "AUTO" | "LOW" | "MEDIUM" | "HIGH";

export interface IndexOptions {
  externalId: string | null;
  quality: QualityFilter;
  /** At most so many faces of the photo. */
  most: number;
}

export interface Indexed {
  faces: CollectionFace[];
  left_out: { face: Face; reasons: string[] }[];
  duplicates: boolean;
}

export interface Match {
  face: CollectionFace;
  similarity: number;
}

export interface Searched {
  faces: { face: Face; matches: Match[] }[];
  steps: Step[];
}

export interface Person {
  user_id: string;
  status: string;
  face_count: number;
}

/* eslint-disable */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return ok<T>((api as any)[method](path, { body }));
}
export const listCollections = (cursor: string | undefined) =>
  call<Page<Collection>>("GET", `/api/collections?${cursor}`);
export const getCollection = (name: string) => call<Collection>("GET", `/api/collections/${name}`);
export const createCollection = (body: Partial<Collection>) =>
  call<Collection>("POST", `/api/collections`, body);
export const changeCollection = (name: string, body: Partial<Collection>) =>
  call<Collection>("PATCH", `/api/collections/${name}`, body);
export const deleteCollection = (name: string) => call<void>("DELETE", `/api/collections/${name}`);
export const indexFaces = (
  name: string,
  file: File,
  options: IndexOptions,
  onprogress: (ratio: number) => void,
) => postFile<Indexed>(`/api/collections/${name}/faces?${options.most}`, { file, onprogress });
export const searchPhoto = (name: string, file: File, onprogress: (ratio: number) => void) =>
  postFile<Searched>(`/api/collections/${name}/search`, { file, onprogress });
export const listFaces = async (name: string, options: { cursor?: string; person?: string }) =>
  call<Page<CollectionFace & { id: string }>>("GET", `${name}${options}`);
export const deleteFaces = (name: string, ids: string[]) => call<void>("DELETE", `${name}${ids}`);
export const listPeople = (name: string, cursor: string | undefined) =>
  call<Page<Person & { id: string }>>("GET", `${name}${cursor}`);
export const createPerson = (name: string, person: string) => call<Person>("POST", `${name}`, person);
export const deletePerson = (name: string, person: string) => call<void>("DELETE", `${name}${person}`);
export const assignFaces = (name: string, person: string, ids: string[]) =>
  call<{ assigned: number; refused: number }>("POST", `${name}${person}`, ids);
