// Which functions are the user's own, and which are folded into the one of these that called them: the rule behind "My Code", the
// same for the page, the editors and exports. Whose a function is the recording says (`origin`); the folders that a user names win.

import type { FrameOrigin } from './model';
import type { RecordingExtra, SpeedscopeFrame } from './recordingFile';

/** What is folded. Nothing of it is set where everything is shown as it was recorded. */
export interface FoldRule {
  /** Folded but for what the other fields say. */
  origins: readonly FrameOrigin[];
  /** Modules that are shown although their origin is folded, and those that are folded whosever they are. */
  shownModules: readonly string[];
  hiddenModules: readonly string[];
  /** Sources below them are the user's, whoever installed them; absolute paths. */
  folders: readonly string[];
  /** The same of the workspace, but for the packages in it. */
  workspace: readonly string[];
}

/** What the user chooses of it; the folders are known of the workspace. */
export type FoldChoice = Pick<FoldRule, 'origins' | 'shownModules' | 'hiddenModules'>;

export const FOLDS_NOTHING: FoldRule = { origins: [], shownModules: [], hiddenModules: [], folders: [], workspace: [] };

export const MY_CODE_ORIGINS: readonly FrameOrigin[] = ['library', 'runtime', 'kernel'];

/** Where package managers put what they install: their own layouts. */
export const PACKAGE_FOLDERS =
  /\/(?:node_modules|site-packages|dist-packages|pkg\/mod|\.cargo|cargo\/registry|cargo\/git|\.rustup|\.m2|\.gradle|\.nuget|\.gem|gems|\.yarn|\.pnpm-store)\//;

/** Older recordings do not say whose a function is. */
const SHARED_LIBRARY = /\.so(?:\.[\w.]+)?$/;
/** Threads begin and programs start in these: they say nothing of what a stack is about. */
const ENTRY_MODULE = /^(?:libc|libpthread|ld-linux|ld-musl)[\w.-]*$/;

type Details = Pick<RecordingExtra['frameDetails'][number], 'module' | 'kind' | 'origin'>;
type Frame = Pick<SpeedscopeFrame, 'file'>;

export const foldsNothing = ({ origins, hiddenModules }: FoldRule): boolean =>
  origins.length === 0 && hiddenModules.length === 0;

/** Whose a frame is; null: not known, as of remarks of ours and code without a file. */
export function originOf(frame: Frame, details: Details | undefined, rule: FoldRule): FrameOrigin | null {
  if (!details) return null;
  if (frame.file && details.kind !== 'kernel') {
    const { file } = frame;
    const isBelow = (folder: string) => file.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
    if (rule.folders.some(isBelow)) return 'user';
    if (rule.workspace.some((folder) => isBelow(folder) && !PACKAGE_FOLDERS.test(file.slice(folder.length))))
      return 'user';
  }
  if (details.origin) return details.origin;
  if (details.kind === 'kernel') return 'kernel';
  return SHARED_LIBRARY.test(details.module) ? 'library' : null;
}

/** By frame: 1 where it is folded. */
export function foldedFrames(
  frames: readonly Frame[],
  details: RecordingExtra['frameDetails'] | undefined,
  rule: FoldRule,
): Uint8Array {
  const [origins, hidden, shown] = [
    new Set<FrameOrigin | null>(rule.origins),
    new Set(rule.hiddenModules),
    new Set(rule.shownModules),
  ];
  return Uint8Array.from(frames, (frame, i) => {
    const one = details?.[i];
    const module = one?.module ?? '';
    if (hidden.has(module) && module !== '') return 1;
    return origins.has(originOf(frame, one, rule)) && !shown.has(module) ? 1 : 0;
  });
}

/** The module that stands for a stack in which every frame is folded: where it led to, past where all threads begin. */
export function moduleOfFolded(stack: readonly number[], details: RecordingExtra['frameDetails'] | undefined): string {
  const module = (frame: number) => details?.[frame]?.module ?? '';
  const telling = stack.find((frame) => module(frame) !== '' && !ENTRY_MODULE.test(module(frame)));
  return module(telling ?? stack[0]) || '?';
}

/** What it is called in the graph and in tables. */
export const foldedName = (module: string): string => `${module} ▸`;
