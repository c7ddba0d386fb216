import { api, ok } from "../api/client";
import type { UploadItem } from "./item.svelte";

/** A batch is a convenience: without one the photos go in all the same. */
export async function openBatch(name: string, expected: number): Promise<string | null> {
  try {
    return (await ok(api.POST("/api/batches", { body: { name, expected } }))).id;
  } catch {
    return null;
  }
}

/** The batches whose last photo has left, with how many of their photos count: known and refused ones do not. */
export function settled(items: UploadItem[]): { id: string; came: number; promised: number }[] {
  const batches = Map.groupBy(
    items.filter((item) => item.batchId !== null),
    (item) => item.batchId ?? "",
  );
  return [...batches]
    .filter(([, members]) => members.every((item) => item.stage !== "waiting" && item.stage !== "uploading"))
    .map(([id, members]) => ({
      id,
      came: members.filter((item) => item.jobId !== null && !item.duplicate).length,
      promised: members.length,
    }));
}

export async function correctBatch(id: string, expected: number): Promise<void> {
  const call = api.PATCH("/api/batches/{batch_id}", {
    params: { path: { batch_id: id } },
    body: { expected },
  });
  await ok(call).catch(() => undefined); // its progress stays open, which is no reason to bother anybody
}
