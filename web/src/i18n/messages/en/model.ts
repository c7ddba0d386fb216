import { faces, n, plural } from "./counts";

export const modelPart = {
  modelChange: {
    now: "The model now",
    lead: "A model turns each face into numbers; searches compare these. A better model finds people more surely, and takes every face anew: from the pictures that are kept, so that nobody is asked for a photo again. Searches go on meanwhile.",
    choose: "Change to",
    numbers: (count: number) => `${n(count)} numbers a face`,
    anyUse: "any use",
    nonCommercial: "non-commercial use only",
    start: "Start the change",
    started: "The change began. Searches go on with the model as it is.",
    noChoicesTitle: "This server has no other model",
    noChoices:
      "Who runs it can fetch one. The pack “research” is for non-commercial use only and must be accepted first:",
    keptElsewhere:
      "The engine of this server keeps the faces of collections itself, and chooses the model: there is nothing to change here.",
    ownerOnly: "Only an owner can change the model.",
    steps: "Steps of the change",
    stepNames: { embed: "Embed", compare: "Compare", switch: "Switch", finish: "Finish" },
    stepHints: {
      embed: "Every face gets numbers of the new model, in the background.",
      compare: "Ask both models the same, and see where they differ.",
      switch: "Searches use the new model. You can go back as often as you like.",
      finish: "What the other model knew is removed, and the way back with it.",
    },
    fromTo: (from: string, to: string) => `From ${from} to ${to}`,
    startedAt: (when: string) => `Started ${when}`,
    switchedAt: (when: string) => `Last switched ${when}`,
    states: {
      embedding: "Faces are being embedded",
      ready: "Ready to switch",
      switched: "Searches use the new model",
      back: "Searches use the old model again",
      finishing: "The other model is being removed",
    },
    progress: "Faces embedded with the new model",
    embedded: (done: number, total: number) => `${n(done)} of ${faces(total)} embedded`,
    behind: (count: number) =>
      plural(count, { one: "1 face cannot follow", other: `${n(count)} faces cannot follow` }),
    left: (time: string) => `about ${time} left`,
    searching: "Searches use",
    done: (model: string) => `The change is over: searches use ${model}.`,

    compare: "Compare the models",
    compareLead:
      "Faces of the collection are searched by both models, and the answers laid side by side. Nothing changes by it.",
    queries: "Faces to search for",
    threshold: "Least similarity",
    compareRun: "Compare",
    comparing: "Both models are being asked…",
    notYet: "There is nothing to compare until a few faces are embedded.",
    verdicts: {
      nothing: "No face has numbers of both models yet: compare again in a moment.",
      silent:
        "At this similarity no model finds anybody for these faces. Compare at a lower similarity, or add several photos of the same people.",
      close: "The models agree nearly always: after a switch, little will look different.",
      apart: "The models differ. Look at what each finds alone before you switch.",
    },
    searched: (count: number) => `${faces(count)} searched by both models`,
    sameBest: "Same best match",
    sameMatches: "Matches in common",
    onlyBy: (model: string) => `Found by ${model} alone`,
    gap: "Mean distance of similarities",
    plot: "Agreement at each similarity",
    plotHint: "Per cent of the searches; 100 is complete agreement.",
    at: (similarity: string) => `At ${similarity}`,
    similarity: "Similarity",

    switch: "Switch to the new model",
    switchTitle: (model: string) => `Search with ${model} from now on?`,
    switchBody: "Faces added from now on are embedded with it, too. You can go back at any time.",
    switchEarly: (count: number) =>
      `${plural(count, { one: "1 face is", other: `${n(count)} faces are` })} still to be embedded. ${count === 1 ? "It is" : "They are"} found by the old model until then, and each search takes a little longer.`,
    switchBehind: (count: number) =>
      `${plural(count, { one: "1 face cannot follow: it stays", other: `${n(count)} faces cannot follow: they stay` })} found by the old model.`,
    switchAnyway: "Switch before every face is embedded",
    switched: (model: string) => `Searches use ${model} now.`,
    switchAgain: "Switch again",
    rollBack: "Go back to the old model",
    rollBackTitle: (model: string) => `Search with ${model} again?`,
    rollBackBody:
      "Nothing is lost: the numbers of the new model stay, and faces that came meanwhile are embedded with the old one.",
    finish: "Finish the change",
    finishTitle: (model: string) => `Keep ${model} for good?`,
    finishBody: (model: string) =>
      `The numbers that ${model} made are removed. Going back then means embedding every face again.`,
    finishFrom: (time: string) =>
      `Possible from ${time}: searches that began before the switch may be under way.`,
    finishing: "The numbers of the other model are being removed.",
    finishingBehind:
      "Faces that cannot follow keep their old numbers. The change ends by itself when the last of them is deleted.",
    abandon: "Give up the change",
    abandonTitle: "Give up the change of model?",
    abandonBody: (model: string, count: number) =>
      `The numbers that ${model} made of ${faces(count)} are removed. Searches stay as they are.`,
    abandoned: "The change was given up. Searches stayed as they are.",

    behindTitle: "Faces that cannot follow",
    behindLead:
      "They have nothing to be embedded from, and stay found by the old model. Add these people again from a photo you have, then delete the faces here.",
    behindEmpty: "So far, every face can follow.",
    reasons: {
      no_source: "Neither photo nor picture of the face is kept",
      photo_gone: "The stored photo cannot be read any more",
      face_not_found: "The new model's detector finds no face at this place of the photo",
      chip_unreadable: "The kept picture was encrypted with a key that the server no longer has",
    },
    deleteOne: (name: string) => `Delete the face ${name}`,
    deleteShown: (count: number) => `Delete ${faces(count)}`,
  },
};
