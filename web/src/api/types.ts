import type { components } from "./schema";

type Schemas = components["schemas"];

export type { Collection } from "./collections";
export type Photo = Schemas["PhotoOut"];
export type Upload = Schemas["Upload"];
export type Job = Schemas["JobOut"];
export type JobState = Schemas["JobState"];
export type JobError = Schemas["JobError"];
export type Hop = Schemas["Hop"];
export type Batch = Schemas["BatchOut"];
export type Report = Schemas["PhotoReport"];
export type Failure = Schemas["FailureOut"];
export type FailureDetail = Schemas["FailureDetail"];
export type RedrivePolicy = Schemas["PolicyOut"];
export type Session = Schemas["Session"];
export type Scope = Session["scopes"][number];
export type Role = Session["user"]["role"];
export type Key = Schemas["Key"];
export type User = Schemas["User"];
export type Workspace = Schemas["Workspace"];
export type WorkspaceChange = Schemas["WorkspaceChange"];
export type Target = Schemas["TargetOut"];
export type Rule = Schemas["RuleOut"];
export type Delivery = Schemas["Delivery"];

/** A face as the faces capability writes it; the library hands it through, so the document does not describe it. */
export interface Face {
  id: string;
  /** Ratios of the upright picture; may leave 0–1 at its border. */
  bounding_box: { left: number; top: number; width: number; height: number };
  confidence: number;
  landmarks: { type: string; x: number; y: number }[];
  /** Degrees. */
  pose: { roll: number; yaw: number; pitch: number };
  /** 0–100. */
  quality: { brightness: number; sharpness: number };
  age_range: { low: number; high: number } | null;
  apparent_gender: { value: "female" | "male"; confidence: number } | null;
  has_embedding: boolean;
  /** Whom the face is like, where the analysis searched a collection; the most similar first. */
  matches?: Match[];
}

/** A face of a collection that a face of a photo is like. */
export interface Match {
  collection: string;
  face_id: string;
  external_image_id: string | null;
  user_id: string | null;
  /** 0–100; null: the face was unknown, and this photo made it known. */
  similarity: number | null;
}

/** The document leaves room for what other capabilities add to a photo; this is what the page shows. */
export type PhotoDetail = Photo & { faces: Face[]; exif: Record<string, unknown> | null };

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}
