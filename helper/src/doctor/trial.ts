// The proof of the pudding: a real capture of this process for a moment, with everything that a recording attaches.
// Called by check.ts where the process has the rights.

import type { AttachStep, CheckItem } from '../protocol';
import { toErrorReport } from '../protocol';
import { startCapture } from '../stack/capture';
import { item } from './item';

const FREQUENCY_HZ = 999;
/** Samples come only while this process computes, so it does: about 20 samples' worth. */
const BUSY_MS = 20;

export interface Trial {
  item: CheckItem | null;
  attach: AttachStep[];
}

export async function trialItem(): Promise<Trial> {
  const title = 'A recording';
  let samples = 0;
  let failure: Error | null = null;
  try {
    const capture = await startCapture(
      { pid: process.pid, frequencyHz: FREQUENCY_HZ, children: false, kernel: true, startAtExec: false, without: [] },
      {
        stack: () => {},
        sample: () => {
          samples++;
        },
        process: () => {},
        failed: (error) => {
          failure = error;
        },
      },
    );
    for (const end = performance.now() + BUSY_MS; performance.now() < end; );
    await capture.stop();
    if (failure) throw failure;
    const { attach } = capture;
    if (samples > 0)
      return { item: item('trial', title, 'ok', `tried on this tracer itself: ${samples} samples`), attach };
    const fix = 'Please report this with the output of "ebpf-tracer check --json".';
    return { item: item('trial', title, 'missing', 'everything could be attached, but no sample came', fix), attach };
  } catch (error) {
    const { message, fix } = toErrorReport(error);
    return { item: item('trial', title, 'missing', message, fix), attach: [] };
  }
}
