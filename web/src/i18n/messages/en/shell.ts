import type { JobState } from "../../../api/types";
import { failures, faces, photos } from "./counts";

const states: Record<JobState, string> = {
  pending: "Accepted",
  queued: "In the queue",
  running: "Being analysed",
  waiting: "Waiting to try again",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

export const shellPart = {
  languageName: "English",

  nav: {
    skip: "Skip to the content",
    main: "Main",
    photos: "Photos",
    collections: "Collections",
    failures: "Failures",
    reports: "Reports",
    settings: "Settings",
    language: "Language",
    signOut: "Sign out",
    signedInAs: (name: string) => `Signed in as ${name}`,
    notFoundTitle: "Nothing here",
    notFound: "This address leads nowhere. It may have been copied incompletely.",
    home: "To the photos",
  },

  common: {
    cancel: "Cancel",
    close: "Close",
    back: "Back",
    delete: "Delete",
    save: "Save",
    saved: "Saved.",
    add: "Add",
    retry: "Try again",
    reload: "Load again",
    loading: "Loading…",
    loadMore: "Load more",
    copy: "Copy",
    copied: "Copied.",
    copyByHand: "Press Ctrl+C or ⌘C to copy.",
    never: "Never",
    name: "Name",
    created: "Created",
    actions: "Actions",
    state: "State",
    asTable: "Show as a table",
    offline: "Live updates are interrupted. The page reconnects by itself; nothing is lost.",
    unreachable: "The server cannot be reached. Check that Fotofila is running and that you are connected.",
    unexpected: "The page stumbled. Load it again; if that does not help, look at the browser's console.",
    photos,
    faces,
    failures,
  },

  states,

  signin: {
    title: "Sign in",
    lead: "Every face in every photo, on your own machine.",
    username: "User name",
    password: "Password",
    submit: "Sign in",
    withLink: "Signing you in with the link…",
    hint: "On a new installation, use the sign-in link that the program printed in its terminal.",
  },

  /** Sentences for problem codes whose English text comes from the server; other languages fill this. */
  problems: {} as Record<string, string | ((english: string) => string)>,

  /** What a step of the timeline may tell besides its time. */
  hopDetails: {
    seconds: "took",
    cpu_seconds: "CPU",
    worker: "worker",
    code: "cause",
    until: "until",
    reason: "reason",
  } as Record<string, string>,

  /** Names of steps of a job's timeline; what is missing is shown as the server says it. */
  hops: {
    accepted: "Accepted",
    queued: "In the queue",
    started: "Taken by a worker",
    finished: "Analysed",
    waiting: "Waiting to try again",
    reconciled: "Found again",
    redriven: "Sent again",
    done: "Result saved",
    failed: "Failed",
    cancelled: "Cancelled",
  } as Record<string, string>,
};
