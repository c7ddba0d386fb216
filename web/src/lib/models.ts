/** What the page knows of models; others are shown by their names alone. */
export interface KnownModel {
  title: string;
  /** Of a vector. */
  numbers: number;
  commercial: boolean;
}

const KNOWN: [prefix: string, model: KnownModel][] = [
  ["sface-", { title: "SFace", numbers: 128, commercial: true }],
  ["edgeface-s-", { title: "EdgeFace-S", numbers: 512, commercial: false }],
];

export const knownModel = (name: string): KnownModel | undefined =>
  KNOWN.find(([prefix]) => name.startsWith(prefix))?.[1];

export const modelTitle = (name: string): string => knownModel(name)?.title ?? name;
