import { api, ok } from "./client";
import type { PhotoDetail } from "./types";

export async function getPhoto(id: string): Promise<PhotoDetail> {
  const photo = await ok(api.GET("/api/photos/{photo_id}", { params: { path: { photo_id: id } } }));
  return photo as unknown as PhotoDetail; // see `Face`
}

export const imageUrl = (photoId: string, size: "original" | "1024" | "256"): string =>
  `/api/photos/${photoId}/image?size=${size}`;
