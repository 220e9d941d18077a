// Keeps speedscope from taking keys that are not its own. It listens on the whole window: Ctrl+S saves, Ctrl+O opens, paste
// imports, and n, p, t, 1, 2, 3 act wherever one types. VS Code listens on the same window, to forward keys to its keybindings, and
// did so before this script ran. So a listener between the two ends what speedscope must not see.

/** May the flame graph act on this key? It may when the focus is in it, and without modifiers: its search is the page's. */
export function belongsToGraph(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  focusInGraph: boolean,
): boolean {
  if (!focusInGraph || event.ctrlKey || event.metaKey || event.altKey) return false;
  // These choose view and thread and are the verbs of a function, which the page does itself (pageKeys.ts).
  return !/^(F\d+|Enter|[123npctfh])$/.test(event.key);
}

export function guardKeys(graphRoot: () => Element | null): void {
  const focusInGraph = (target: EventTarget | null) =>
    target === document.body || (target instanceof Node && !!graphRoot()?.contains(target));
  for (const type of ['keydown', 'keypress'] as const)
    window.addEventListener(type, (event) => {
      if (!belongsToGraph(event, focusInGraph(event.target))) event.stopImmediatePropagation();
    });
  document.addEventListener('paste', (event) => event.stopImmediatePropagation());
}
