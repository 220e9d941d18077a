// What goes into the log comes from the helper, sudo and traced programs: whatever a reader would not see is spelled out, and no
// line of theirs looks as if the log had begun it.

import { visibleLines } from '../../helper/src/protocol';

const LEVELS: ReadonlySet<string | symbol> = new Set([
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'append',
  'appendLine',
]);

/** The same channel: only texts on their way to it change. */
export function spellOut<T extends object>(channel: T): T {
  return new Proxy({} as T, {
    get(_, name) {
      const value = channel[name as keyof T];
      if (typeof value !== 'function') return value;
      if (!LEVELS.has(name)) return value.bind(channel);
      return (...texts: unknown[]) =>
        value.apply(
          channel,
          texts.map((text) => logText(text instanceof Error ? (text.stack ?? text.message) : text)),
        );
    },
  });
}

const logText = (text: unknown) => (typeof text === 'string' ? visibleLines(text).replaceAll('\n', '\n    ') : text);
