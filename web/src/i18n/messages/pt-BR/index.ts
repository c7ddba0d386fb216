import type { Messages } from "../../index.svelte";
import { collectionsPart } from "./collections";
import { failuresPart } from "./failures";
import { photosPart } from "./photos";
import { settingsPart } from "./settings";
import { shellPart } from "./shell";

export const ptBR: Messages = {
  ...shellPart,
  ...photosPart,
  ...failuresPart,
  ...settingsPart,
  ...collectionsPart,
};
