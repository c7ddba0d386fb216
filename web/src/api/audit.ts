import { api, ok } from "./client";
import type { paths, components } from "./schema";
import type { Page } from "./types";

export type AuditEntry = components["schemas"]["AuditEntryOut"];
export type AuditQuery = NonNullable<paths["/api/audit"]["get"]["parameters"]["query"]>;

const PAGE = 50;

export function listAudit(query: AuditQuery, cursor: string | undefined): Promise<Page<AuditEntry>> {
  return ok(api.GET("/api/audit", { params: { query: { ...query, limit: PAGE, cursor } } }));
}

/** The whole chain, a JSON object a line, as it arrives. */
export async function streamChain(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const query = { format: "chain" as const };
  const stream = await ok(api.GET("/api/audit/export", { params: { query }, parseAs: "stream", signal }));
  return stream as ReadableStream<Uint8Array>;
}

export interface Actor {
  kind: "user" | "key" | "aws_key";
  name: string;
}
export type Actors = Map<string, Actor>;

/** What users and keys are called, by their ids; those that are gone are not in it. */
export async function listActors(): Promise<Actors> {
  const params = { query: { limit: 200 } };
  const [users, keys, awsKeys] = await Promise.all([
    ok(api.GET("/api/users", { params })),
    ok(api.GET("/api/keys", { params })),
    ok(api.GET("/api/aws-keys", { params })),
  ]);
  const actors: Actors = new Map();
  for (const user of users.items) actors.set(user.id, { kind: "user", name: user.username });
  for (const key of keys.items) actors.set(key.id, { kind: "key", name: key.name });
  for (const key of awsKeys.items) actors.set(key.id, { kind: "aws_key", name: key.name });
  return actors;
}
