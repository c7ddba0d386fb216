const LONGEST = 255;

/** The id of a photo's faces from the name of its file: "Maria Silva (2).jpg" becomes "Maria-Silva-2". */
export function externalIdOf(filename: string): string | null {
  const stem = filename.replace(/\.[^.]+$/, "");
  const id = stem
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^a-zA-Z0-9_.:-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, LONGEST);
  return id || null;
}
