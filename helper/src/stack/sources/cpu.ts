// The tracer of CPU time: stacks by the clock of every CPU. This is its description, which the command line and the helper's start
// read; cpuSampling.ts attaches it.

import type { GivenOptions, Tracer } from '../../engine/tracer';
import {
  type CpuOptions,
  checkShape,
  isBoolean,
  isNumber,
  MAX_FRAMES_DEFAULT,
  MAX_FRAMES_MOST,
  optional,
  tracerError,
} from '../../protocol';
import { cpuHeadline, cpuRemarks, cpuReport } from './cpuReport';

const FREQUENCY_DEFAULT_HZ = 99;
const FREQUENCY_MOST_HZ = 4999;

/** A stack that was not met before at this mean size. Deeper stacks take more. */
const BYTES_PER_SAMPLE = 256;
/** In the first quarter of a second samples may come raw, at this size; half a ring of them at the most. */
const RAW_BYTES_PER_SAMPLE = 10_240;
const RAW_SECONDS = 0.25;
const RAW_MOST_BYTES_PER_SECOND = 2 << 20;

const isWithin = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;

export const CPU: Tracer<CpuOptions> = {
  id: 'cpu',
  unit: 'samples',
  help: 'CPU time, by samples of all stacks',
  targets: ['processes'],
  capabilities: ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE'],
  commandLine: {
    frequency: { value: 'HZ', short: 'F', help: 'Samples a second and CPU, 1 to 4999 (default 99).' },
    'max-frames': { value: 'N', help: 'Deepest user stack, 1 to 1023 frames (default 127).' },
    'no-kernel': { help: 'Leave out time in the kernel.' },
  },
  fromCommandLine: (given) => ({
    frequencyHz: wholeNumber(given, 'frequency', FREQUENCY_DEFAULT_HZ, 'FREQUENCY_INVALID', FREQUENCY_MOST_HZ),
    maxFrames: wholeNumber(given, 'max-frames', MAX_FRAMES_DEFAULT, 'MAX_FRAMES_INVALID', MAX_FRAMES_MOST),
    kernel: !given.has('no-kernel'),
  }),
  check(value) {
    const { frequencyHz, kernel, maxFrames } = checkShape<CpuOptions>('cpu', value, {
      frequencyHz: isNumber,
      kernel: isBoolean,
      maxFrames: optional(isNumber),
    });
    if (!isWithin(frequencyHz, FREQUENCY_MOST_HZ)) throw tracerError('FREQUENCY_INVALID', frequencyHz);
    if (maxFrames !== undefined && !isWithin(maxFrames, MAX_FRAMES_MOST))
      throw tracerError('MAX_FRAMES_INVALID', maxFrames);
    return { frequencyHz, kernel, maxFrames };
  },
  metrics: ({ frequencyHz }) => [{ id: 'cpu', unit: 'nanoseconds', period: 1e9 / frequencyHz }],
  ringBytesPerSecond({ frequencyHz, maxFrames = MAX_FRAMES_DEFAULT }, cpus) {
    const samplesPerSecond = frequencyHz * cpus;
    const raw = RAW_SECONDS * RAW_BYTES_PER_SAMPLE * samplesPerSecond;
    const stacks = samplesPerSecond * BYTES_PER_SAMPLE * Math.max(1, maxFrames / MAX_FRAMES_DEFAULT);
    return stacks + Math.min(raw, RAW_MOST_BYTES_PER_SECOND);
  },
  preload: () => import('./cpuSampling'),
  start: async (options, session) => (await import('./cpuSampling')).startCpuSampling(options, session),
  headline: cpuHeadline,
  report: cpuReport,
  remarks: cpuRemarks,
};

function wholeNumber(
  given: GivenOptions,
  name: string,
  otherwise: number,
  code: 'FREQUENCY_INVALID' | 'MAX_FRAMES_INVALID',
  most: number,
): number {
  const [text = String(otherwise)] = given.get(name) ?? [];
  if (!/^\d+$/.test(text.trim()) || !isWithin(Number(text), most)) throw tracerError(code, text);
  return Number(text);
}
