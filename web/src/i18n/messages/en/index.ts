import { auditPart } from "./audit";
import { carePart } from "./care";
import { collectionsPart } from "./collections";
import { failuresPart } from "./failures";
import { modelPart } from "./model";
import { photosPart } from "./photos";
import { settingsPart } from "./settings";
import { shellPart } from "./shell";

export const en = {
  ...shellPart,
  ...photosPart,
  ...failuresPart,
  ...settingsPart,
  ...collectionsPart,
  ...modelPart,
  ...auditPart,
  ...carePart,
};
