// Keys that work wherever the focus is in graph or tables: what is shown of the recording, and the verbs of the selected function. On
// the document: keys.ts ends on the window what speedscope must not see.
import type { GraphMode } from './host';

export type Verb = 'callers' | 'focus' | 'hideLibrary' | 'onlyThread' | 'copyName' | 'copyStack';

/** As the menu shows them; `Ctrl` is Cmd on a Mac, too. */
export const VERB_KEYS: Record<Verb, string> = {
  callers: 'C',
  focus: 'F',
  hideLibrary: 'H',
  onlyThread: 'T',
  copyName: 'Ctrl+C',
  copyStack: 'Ctrl+Shift+C',
};

const MODES: Record<string, GraphMode> = { '1': 'time-order', '2': 'left-heavy', '3': 'sandwich' };
const STEPS: Record<string, number> = { n: 1, p: -1 };

export interface PageKeyEvents {
  onMode(mode: GraphMode): void;
  onThread(step: number): void;
  onSearch(): void;
  onVerb(verb: Verb): void;
  /** Enter in the graph: tables open their own rows. */
  onOpen(event: KeyboardEvent): void;
}

export function listenToKeys(graphRoot: Element, isTable: (target: Element) => boolean, events: PageKeyEvents): void {
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    if (!(target instanceof Element) || event.altKey || target.closest('[role=menu]')) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.shiftKey && event.key === 'f') events.onSearch();
    else if (target instanceof HTMLInputElement || target instanceof HTMLButtonElement) return;
    else {
      const inGraph = target === document.body || graphRoot.contains(target);
      if (!inGraph && !isTable(target)) return;
      const verb = verbOf(event, command);
      if (verb !== null) {
        // What is marked with the mouse is copied as it is.
        if (verb === 'copyName' && String(getSelection()) !== '') return;
        events.onVerb(verb);
      } else if (command || !inGraph) return;
      else if (event.key in MODES) events.onMode(MODES[event.key]);
      else if (event.key in STEPS) events.onThread(STEPS[event.key]);
      else if (event.key === 'Enter') events.onOpen(event);
      else return;
    }
    event.preventDefault();
  });
}

function verbOf(event: KeyboardEvent, command: boolean): Verb | null {
  if (command) return event.key.toLowerCase() !== 'c' ? null : event.shiftKey ? 'copyStack' : 'copyName';
  const verbs: Record<string, Verb> = { c: 'callers', f: 'focus', h: 'hideLibrary', t: 'onlyThread' };
  return Object.hasOwn(verbs, event.key) ? verbs[event.key] : null;
}
