// The proof: a real capture of this process for a moment, with everything that a recording attaches.

import { startCapture } from '../engine/capture';
import { kernelObstacle } from '../privilege/kernelObstacle';
import { FileStore } from '../process/fileStore';
import { ProcessTable } from '../process/table';
import { type AttachStep, type CpuOptions, TracerError, toErrorReport } from '../protocol';
import { CPU } from '../stack/sources/cpu';
import { type Finding, missing, ok } from './finding';
import { checkCommand } from './howToRepeat';

const SAMPLING: CpuOptions = { frequencyHz: 999, kernel: true };
/** Samples come only while this process computes, so it does: about 20 samples' worth. */
const BUSY_MS = 20;

export async function tryRecording(): Promise<{ finding: Finding; attach: AttachStep[] }> {
  let samples = 0;
  let failure: Error | null = null;
  const sink = {
    stack: () => {},
    sample: () => {
      samples++;
    },
    taken: () => {},
    process: () => {},
    failed: (error: Error) => {
      failure = error;
    },
  };
  const files = new FileStore();
  const processes = new ProcessTable(files);
  try {
    const obstacle = kernelObstacle();
    if (obstacle) throw new TracerError(obstacle);
    const target = { pids: [process.pid], children: false, startAtExec: false };
    const tracers = [{ tracer: CPU, options: SAMPLING }];
    const capture = await startCapture({ target, tracers, processes, without: [] }, sink);
    for (const end = performance.now() + BUSY_MS; performance.now() < end; );
    await capture.complete;
    await capture.stop();
    if (failure) throw failure;
    const { attach } = capture;
    if (samples > 0) return { finding: ok(`tried on this tracer itself: ${samples} samples`), attach };
    const fix = `Please report this with the output of "${checkCommand()} --json".`;
    return { finding: missing('everything could be attached, but no sample came', fix), attach };
  } catch (error) {
    const { message, fix } = toErrorReport(error);
    return { finding: missing(message, fix), attach: [] };
  } finally {
    processes.close();
    await files.close();
  }
}
