// Recordings of made-up programs with figures that a test chooses: stacks of functions, each with how many samples.

import { RecordingBuilder } from '../../../src/import/recordingBuilder';
import type { Metric, RecordingFile } from '../../../src/protocol';

export interface MadeFrame {
  name: string;
  file?: string;
  /** Executed line; the function starts at `start`. */
  line?: number;
  start?: number;
  module?: string;
}

export const CPU: Metric = { id: 'cpu', unit: 'nanoseconds', period: 1e7 };

/** `stacks`: outermost first, with figures of each metric. */
export function madeRecording(
  stacks: [stack: MadeFrame[], ...figures: number[]][],
  { metrics = [CPU], sections = {}, title = 'program' }: { metrics?: Metric[]; sections?: object; title?: string } = {},
): RecordingFile {
  const builder = new RecordingBuilder(metrics);
  for (const [stack, ...figures] of stacks) {
    const frames = stack.map(({ name, file, line, start, module = 'program' }) =>
      builder.frame({ name, file: file ?? null, line: line ?? null, functionLine: start ?? null, module }),
    );
    builder.sample(frames.reverse(), { pid: 1, tid: 1, name: 'main' }, 0, figures);
  }
  const file = builder.finish({ title, command: '/src/program' }, 'test');
  file.ebpfTracer!.sections = { ...file.ebpfTracer!.sections, ...sections };
  return file;
}
