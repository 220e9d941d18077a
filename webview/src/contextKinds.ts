// What each kind of execution context is called, and where such a context begins: the one place of the page that knows kinds.
import * as l10n from '@vscode/l10n';
import type { ContextKind } from '../../helper/src/protocol';

export interface ContextWords {
  kind: ContextKind;
  /** Names its tab in the page. */
  id: string;
  title: string;
  /** One of them. */
  one: string;
  /** `Goroutine 18 of process 4711` */
  describe(id: string, pid: string): string;
  count(count: string): string;
  countOf(shown: string, all: string): string;
  others(share: string): string;
  none(share: string): string;
  /** What runs without one. */
  noneTitle: string;
  /** The frame below which a context's own functions stand. */
  root: RegExp;
  /** Functions of the compiler's between that frame and the one that the user named; its own tools leave them out too. */
  wrapper: RegExp;
}

export const CONTEXT_KINDS: Record<ContextKind, () => ContextWords> = {
  goroutine: () => ({
    kind: 'goroutine',
    id: 'goroutines',
    title: l10n.t('Goroutines'),
    one: l10n.t('Goroutine'),
    describe: (id, pid) => l10n.t('Goroutine {0} of process {1}', id, pid),
    count: (count) => l10n.t('{0} goroutines', count),
    countOf: (shown, all) => l10n.t('{0} of {1} goroutines', shown, all),
    others: (share) => l10n.t('other goroutines {0}', share),
    none: (share) => l10n.t('no goroutine {0}', share),
    noneTitle: l10n.t(
      'No goroutine: the scheduler, threads of the runtime and of C, other programs, and the moment before the program was known.',
    ),
    root: /^runtime\.goexit(\.abi0)?$/,
    wrapper: /\.gowrap\d+$/,
  }),
  task: () => ({
    kind: 'task',
    id: 'tasks',
    title: l10n.t('Tasks'),
    one: l10n.t('Task'),
    describe: (id, pid) => l10n.t('Task {0} of asyncio in process {1}', id, pid),
    count: (count) => l10n.t('{0} tasks', count),
    countOf: (shown, all) => l10n.t('{0} of {1} tasks', shown, all),
    others: (share) => l10n.t('other tasks {0}', share),
    none: (share) => l10n.t('no task {0}', share),
    noneTitle: l10n.t(
      'No task: the event loop itself, callbacks, other threads and programs, and the moment before the program was known.',
    ),
    root: /^asyncio\.events\.Handle\._run$/,
    wrapper: /^(?:_asyncio\.cpython|context_run$|task_|Task)/,
  }),
};
