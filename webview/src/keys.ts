// Keeps speedscope from taking keys that are not its own. It listens on the whole window: Ctrl+S saves, Ctrl+O opens, paste
// imports, and n, p, t, 1, 2, 3 act wherever one types. VS Code listens on the same window, to forward keys to its keybindings, and
// did so before this script ran. So a listener between the two ends what speedscope must not see.

/** May the flame graph act on this key? It may when the focus is in it, and without modifiers but for its search. */
export function belongsToGraph(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>,
  focusInGraph: boolean,
): boolean {
  if (!focusInGraph) return false;
  if (event.ctrlKey || event.metaKey) return event.key === 'f' && !event.altKey;
  // These choose view and thread: the page's own toolbar does (recordingPage.ts).
  return !event.altKey && !/^(F\d+|[123npt])$/.test(event.key);
}

export function guardKeys(graphRoot: () => Element | null): void {
  const focusInGraph = (target: EventTarget | null) =>
    target === document.body || (target instanceof Node && !!graphRoot()?.contains(target));
  for (const type of ['keydown', 'keypress'] as const)
    window.addEventListener(type, (event) => {
      if (!belongsToGraph(event, focusInGraph(event.target))) event.stopImmediatePropagation();
    });
  document.addEventListener('paste', (event) => event.stopImmediatePropagation());
  // Its search box keeps every key to itself, also those that VS Code should get.
  window.addEventListener(
    'keydown',
    (event) => {
      if (!(event.target instanceof HTMLInputElement) || !focusInGraph(event.target) || !event.isTrusted) return;
      const editing =
        (event.ctrlKey || event.metaKey) && /^[acfvxz]$|^Arrow|^Backspace$|^Delete$|^Home$|^End$/i.test(event.key);
      const command = event.ctrlKey || event.metaKey || event.altKey || /^F\d+$/.test(event.key);
      if (!command || (editing && !event.shiftKey && !event.altKey)) return;
      event.stopPropagation();
      if (!window.dispatchEvent(new KeyboardEvent(event.type, event))) event.preventDefault();
    },
    true,
  );
}
