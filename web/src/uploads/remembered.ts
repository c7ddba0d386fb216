/** Which uploads were begun and not finished, so that they are gone on with after the page was closed. */

const KEY = "fotofila.uploads";
/** The server forgets them a day after their last byte. */
const KEPT_MS = 24 * 3600 * 1000;
const MOST = 200;

interface Remembered {
  file: string;
  url: string;
  at: number;
}

type Named = Pick<File, "name" | "size" | "lastModified">;

/** Two files of the same name, size and time are taken for the same one. */
const nameOf = (file: Named): string => `${file.name}\n${file.size}\n${file.lastModified}`;

function read(): Remembered[] {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]") as Remembered[];
    return kept.filter((one) => Date.now() - one.at < KEPT_MS);
  } catch {
    return []; // no storage, or somebody else's words in it: a file is then sent from its beginning
  }
}

function write(all: Remembered[]): void {
  try {
    if (all.length > 0) localStorage.setItem(KEY, JSON.stringify(all.slice(-MOST)));
    else localStorage.removeItem(KEY);
  } catch {
    // a full or forbidden storage
  }
}

export function rememberedUpload(file: Named): string | null {
  return read().findLast((one) => one.file === nameOf(file))?.url ?? null;
}

export function rememberUpload(file: Named, url: string): void {
  const others = read().filter((one) => one.file !== nameOf(file));
  write([...others, { file: nameOf(file), url, at: Date.now() }]);
}

export function forgetUpload(file: Named): void {
  write(read().filter((one) => one.file !== nameOf(file)));
}
