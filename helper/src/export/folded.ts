// Folded stacks, one line each: `thread;outermost;…;innermost samples`, as flame graph scripts read them. Called by
// formats.ts.

import type { RecordingFile } from '../protocol';
import { periodOf } from './readRecording';

export function* foldedText(file: RecordingFile): Generator<string> {
  const period = periodOf(file);
  // A semicolon separates frames, a line break stacks; the count follows the last blank.
  const clean = (name: string) => name.replaceAll(';', ':').replace(/[\r\n]+/g, ' ');
  const names = file.shared.frames.map((frame) => clean(frame.name));
  // The first profile merges the others where there are several.
  const threads = file.profiles.length > 1 ? file.profiles.slice(1) : file.profiles;
  for (const thread of threads) {
    const root = clean(thread.name.replace(/ \([\d/]+\)$/, ''));
    const counts = new Map<string, number>();
    for (const [i, stack] of thread.samples.entries()) {
      const key = stack.join();
      counts.set(key, (counts.get(key) ?? 0) + thread.weights[i] / period);
    }
    for (const [key, count] of counts) {
      const frames = key === '' ? [] : key.split(',').map((index) => names[Number(index)]);
      yield `${[root, ...frames].join(';')} ${Math.round(count)}\n`;
    }
  }
}
