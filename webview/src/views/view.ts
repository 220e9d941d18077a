// What a view beside the flame graph is: the tabs of the page come from a table of these (index.ts), so that a new one is a file
// and a line there. recordingPage.ts hands the recording to each of them and keeps them on one selected function.
import type { Host } from '../host';
import type { Recording, StackProfile } from '../load';
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
  /** Brings the selected function's row into sight. Left out: a function is no row of this view's. */
  reveal?(selection: Selection): void;
}

/** `select`: the user chose this function in the view. */
export type MakeView = (host: Host, select: (frame: number) => void) => View;
