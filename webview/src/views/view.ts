// What a view beside the flame graph is: the tabs of the page come from a table of these (index.ts), so that a new one is a file
// and a line there. recordingPage.ts hands the recording to each of them and keeps them on one selected function.
import type { Host } from '../host';
import type { Recording, StackProfile } from '../load';
import type { Moments } from '../moments';
import type { Found } from '../search';
import type { FunctionWeights, StackTree } from '../stackTree';

/** One profile (thread) of a recording, as all views show it. */
export interface Shown {
  recording: Recording;
  profile: StackProfile;
  tree: StackTree;
  /** Of each function in this profile. */
  weights: FunctionWeights;
}

export interface Selection {
  frame: number;
  /** Frames from the outermost call to this one: the call that is selected in the graph, else the heaviest. */
  path(): readonly number[];
}

export interface View {
  /** Names its tab and panel in the page, and what the page remembers of it. */
  readonly id: string;
  readonly title: string;
  readonly root: HTMLElement;
  /** Whether the recording has anything for it; where not, its tab is not there. */
  isFor(recording: Recording): boolean;
  /** Shows something of recordings that hold no stacks, too. */
  readonly standsAlone?: boolean;
  show(shown: Shown): void;
  /** Brings what has this key into sight, at once or as soon as the recording holds it. */
  showItem?(key: string): void;
  /** Shows only what the words of the search are of; null: everything. Comes with each `show`, too. */
  search?(found: Found | null): void;
  /** Takes the focus by a key from elsewhere. */
  enter?(): void;
  /** Shows who calls a function. */
  showCallers?(frame: number): void;
  /** Brings the selected function's row into sight. Left out: a function is no row of this view's. */
  reveal?(selection: Selection): void;
}

/** Opens the verbs of a function at a place of the page. */
export type FrameMenu = (frame: number, at: { x: number; y: number }) => void;

/** What ran meanwhile is wanted in the graph. */
export type ShowMoments = (moments: Moments) => void;

/** `select`: the user chose this function in the view. */
export type MakeView = (host: Host, select: (frame: number) => void, menu: FrameMenu, showMoments: ShowMoments) => View;
