/** Turns what a person dropped, pasted or chose into the photos among it. */

const EXTENSIONS = /\.(jpe?g|jpe|png|webp|hei[cf]|avif|tiff?)$/i;
const TYPES = /^image\/(jpeg|png|webp|hei[cf]|avif|tiff)$/;

export interface Picked {
  files: File[];
  /** How many other files there were: sidecars, films, `.DS_Store`. */
  skipped: number;
  /** The name of the one folder that was given, if it was one. */
  folder: string | null;
}

export const ACCEPT = "image/jpeg,image/png,image/webp,image/avif,image/tiff,.heic,.heif,.tif,.tiff,.avif";

export function isPhoto(file: { name: string; type: string }): boolean {
  if (file.name.startsWith(".")) return false;
  return EXTENSIONS.test(file.name) || TYPES.test(file.type);
}

export function pick(all: File[], folder: string | null, fromFolder: boolean): Picked {
  // A file that was named one by one is sent as it is, so that the server can say what is wrong with it.
  const files = fromFolder ? all.filter(isPhoto) : all.filter((file) => !file.name.startsWith("."));
  return { files, skipped: all.length - files.length, folder };
}

export function pickFromInput(input: HTMLInputElement): Picked {
  const files = [...(input.files ?? [])];
  const folder = files[0]?.webkitRelativePath.split("/")[0] || null;
  const picked = pick(files, folder, folder !== null);
  input.value = ""; // so that the same files can be chosen again
  return picked;
}

/** Must be called within the event: the browser empties the transfer afterwards. */
export async function pickFromTransfer(transfer: DataTransfer): Promise<Picked> {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = items.map((item) => item.getAsFile());
  if (!entries.some((entry) => entry?.isDirectory)) {
    return pick(
      plain.filter((file) => file !== null),
      null,
      false,
    );
  }
  const found = await Promise.all(entries.map((entry) => (entry ? walk(entry) : [])));
  return pick(found.flat(), entries.length === 1 ? (entries[0]?.name ?? null) : null, true);
}

async function walk(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    return new Promise((resolve) =>
      (entry as FileSystemFileEntry).file(
        (file) => resolve([file]),
        () => resolve([]), // it vanished between drop and read
      ),
    );
  }
  const children = await readAll((entry as FileSystemDirectoryEntry).createReader());
  return (await Promise.all(children.map(walk))).flat();
}

/** `readEntries` hands out at most 100 entries a call in Chromium: it is called until it hands out none. */
async function readAll(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}
