import type { components } from "./schema";

type Schemas = components["schemas"];

export type Photo = Schemas["Photo"];
export type PhotoDetail = Schemas["PhotoDetail"];
export type Face = Schemas["Face"];
export type Upload = Schemas["Upload"];
export type Job = Schemas["Job"];
export type JobState = Job["state"];
export type Hop = Schemas["Hop"];
export type Batch = Schemas["Batch"];
export type Report = Schemas["Report"];
export type Failure = Schemas["Failure"];
export type FailureDetail = Schemas["FailureDetail"];
export type RedrivePolicy = Schemas["RedrivePolicy"];
export type Session = Schemas["Session"];
export type Scope = Session["scopes"][number];
export type Role = Session["user"]["role"];
export type Key = Schemas["Key"];
export type User = Schemas["User"];
export type Workspace = Schemas["Workspace"];
export type WorkspaceChange = Schemas["WorkspaceChange"];
export type Target = Schemas["Target"];
export type Rule = Schemas["Rule"];
export type Delivery = Schemas["Delivery"];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}
