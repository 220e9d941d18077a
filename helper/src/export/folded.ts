// Folded stacks, one line each: `thread;outermost;…;innermost samples`, as flame graph scripts read them. Of other programs' files the
// number is what their weights say: microseconds (or nanoseconds), bytes, or a number without a unit.

import { type RecordingFile, visibleText } from '../protocol';
import { partsOf } from './weights';

export function* foldedText(file: RecordingFile): Generator<string> {
  // A semicolon separates frames, a line break stacks; the count follows the last blank.
  const clean = (name: string) => visibleText(name.replaceAll(';', ':').replace(/[\r\n]+/g, ' '));
  const names = file.shared.frames.map((frame) => clean(frame.name));
  for (const { profile: thread, scale } of partsOf(file)) {
    const root = clean(file.ebpfTracer ? thread.name.replace(/ \([\d/]+\)$/, '') : thread.name);
    const counts = new Map<string, number>();
    for (const [i, stack] of thread.samples.entries()) {
      const key = stack.join();
      counts.set(key, (counts.get(key) ?? 0) + thread.weights[i] * scale.factor);
    }
    for (const [key, count] of counts) {
      // Time in which nothing ran.
      if (key === '' && !file.ebpfTracer) continue;
      const frames = key === '' ? [] : key.split(',').map((index) => names[Number(index)]);
      yield `${[root, ...frames].join(';')} ${Math.round(count)}\n`;
    }
  }
}
