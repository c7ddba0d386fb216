import { faces, n, plural } from "./counts";

const fingerprints = (count: number): string =>
  plural(count, { one: "1 fingerprint", other: `${n(count)} fingerprints` });
const collections = (count: number): string =>
  plural(count, { one: "1 collection", other: `${n(count)} collections` });

export const carePart = {
  care: {
    tab: "Recognition data",
    lead: "What this workspace keeps that lets faces be recognised, and what was erased of it. Switching recognition off erases nothing: that is done here.",
    see: "See what is kept for recognition",
    kept: "What is kept",
    nothing:
      "Nothing that recognises anybody is kept: no collections, no fingerprints, no pictures of faces.",
    switchOn: "Face recognition is on in this workspace",
    switchOff: "Face recognition is off in this workspace",
    switchLink: "Change it",
    stillOn: (count: number) =>
      plural(count, {
        one: "1 collection recognises faces by a switch of its own.",
        other: `${n(count)} collections recognise faces by a switch of their own.`,
      }),
    leftOver:
      "Fingerprints of faces in photos are still here although recognition is off. Erase them if you need them no more.",
    figures: {
      photo_embeddings: "Fingerprints of faces in photos",
      collections: "Collections",
      faces: "Faces in collections",
      vectors: "Fingerprints in collections",
      chips: "Pictures of faces",
      users: "People",
      consents: "Notes of consent",
    },
    vectorsHint: "Two a face while a model is being changed",
    nextExpiry: (when: string) => `The next face is forgotten on ${when}.`,
    inCollections: "In collections",
    switchedOn: "Recognises",
    switchedOff: "Only by the workspace's switch",

    erase: "Erase",
    eraseLead:
      "Erasing is for good, and cannot be undone. Each erasure gives a signed receipt that proves it to the people concerned.",
    stays: "Stored photos, the audit log, and backups made before stay.",
    goes: "This goes:",
    reason: "Reason",
    reasonHint: "Told in the receipt; for instance: asked by letter of 1 February",
    understood: "I know that this cannot be undone.",
    person: "A person",
    personHint: "By what you know of them, from all collections.",
    personTitle: "Erase a person",
    personBody:
      "Say at least one of the two. Everything that fits any of these is erased, in every collection of the workspace.",
    personId: "Id of the person",
    externalId: "External id of their faces",
    personGoes: (asked: string) => [
      `Faces of ${asked || "this person"}, with their fingerprints of every model and their pictures`,
      "The person of this id, in every collection",
      "Their notes of consent",
    ],
    either: (first: string, second: string) => `${first} or ${second}`,
    photos: "Fingerprints of faces in photos",
    photosHint: "Made while recognition was on in the workspace. The photos and their faces stay.",
    photosTitle: "Erase the fingerprints of faces in photos?",
    photosBody: "The photos, and where faces are in them, stay; they can no longer be searched by face.",
    photosGoes: (count: number) => [`${fingerprints(count)} of faces in photos`],
    collectionTitle: (name: string) => `Erase the collection ${name}?`,
    collectionBody: "Nobody in it can be found again by this server.",
    collectionGoes: (name: string, count: number) => [
      `The collection ${name} with ${faces(count)}, their fingerprints and pictures`,
      "Its people and notes of consent",
    ],
    everything: "Everything",
    everythingHint: "All collections, and the fingerprints in photos.",
    everythingTitle: "Erase all that recognises faces?",
    everythingBody: "Nobody can be found again by this server.",
    everythingGoes: (count: number, faceCount: number, chips: number, people: number) => [
      `${collections(count)} with ${faces(faceCount)}`,
      ...(chips > 0
        ? [plural(chips, { one: "1 picture of a face", other: `${n(chips)} pictures of faces` })]
        : []),
      ...(people > 0 ? [plural(people, { one: "1 person", other: `${n(people)} people` })] : []),
    ],
    and: (names: string, more: number) => `${names} and ${n(more)} more`,
    named: (names: string) => `Collections: ${names}`,
    consentsGo: (count: number) =>
      plural(count, { one: "1 note of consent", other: `${n(count)} notes of consent` }),
    type: (word: string) => `Type ${word} to confirm`,
    nothingThere: "Nothing is there to erase.",

    receipts: "Erasures",
    receiptsLead: "What was erased, newest first, each with its signed receipt.",
    emptyCollection: "No faces were in it",
    noReceipts: "Nothing was erased yet.",
    what: {
      person: "A person",
      collection: "A collection",
      photo_embeddings: "Fingerprints in photos",
      everything: "Everything",
    },
    counts: (faceCount: number, prints: number) =>
      faceCount === 0 ? fingerprints(prints) : `${faces(faceCount)}, ${fingerprints(prints)}`,
    nothingFound: "Nothing was found",
    look: "Look at the receipt",
    lookOf: (what: string, when: string) => `Look at the receipt: ${what}, ${when}`,
    download: "Download",
    downloadOf: (what: string, when: string) => `Download the receipt: ${what}, ${when}`,
    unsigned: "The receipt is being signed: load the list again in a moment.",
    receiptTitle: "Receipt of an erasure",
    receiptFields: {
      at: "When",
      by: "By",
      asked: "Asked for",
      reason: "Reason",
      erased: "Erased",
      stays: "Stays",
      entry: "Entry in the audit log",
      key: "Signed by",
    },
    askedNames: {
      user_id: "person",
      external_image_id: "external id",
      face_ids: "faces",
      collection: "collection",
    } as Record<string, string>,
    wholeCollection: (name: string, count: number) => `${name}: the whole collection, ${faces(count)}`,
    fromCollection: (name: string, count: number) => `${name}: ${faces(count)}`,
    faceIds: "Ids of the faces",
    verifyHint: "Whoever gets the receipt verifies it with your public key: `fotofila audit verify-receipt`.",
  },

  erasure: {
    title: "Erased",
    counts: (count: number, vectors: number, chips: number) =>
      `${count === 0 ? "No faces" : faces(count)}, ${plural(vectors, { one: "1 fingerprint", other: `${n(vectors)} fingerprints` })} and ${plural(chips, { one: "1 picture", other: `${n(chips)} pictures` })} of faces are gone for good.`,
    inPhotos: (count: number) =>
      plural(count, {
        one: "1 fingerprint of a face in a photo is gone for good.",
        other: `${n(count)} fingerprints of faces in photos are gone for good.`,
      }),
    noFaces: "It is gone for good. No face was in it.",
    nothing: "Nothing was found that fits, so nothing was erased. The receipt says that.",
    keep: "The receipt says what was erased and when, and is signed: it proves that to the people concerned.",
    download: "Download the receipt",
    signing: "The receipt is being signed…",
    person: "Erase everywhere",
    personTitle: (name: string) => `Erase ${name} everywhere?`,
    personBody:
      "Every face, fingerprint and picture of this person, in all collections of the workspace, is erased for good. Stored photos stay.",
  },
};
