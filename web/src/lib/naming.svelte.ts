import { i18n } from "../i18n/index.svelte";

const SHOWN_DIGITS = 8;

interface Named {
  face_id: string;
  user_id?: string | null;
  external_image_id: string | null;
}

/** What a face is called: its person, else its external id, else the end of its own id. */
export function nameOf(face: Named): string {
  return (
    face.user_id ?? face.external_image_id ?? i18n.messages.faceList.face(face.face_id.slice(-SHOWN_DIGITS))
  );
}
