// The parts of the helper that answer requests, loaded when they are first needed so that the helper listens at once:
// recordings (capture + symbolizer), the process list, the machine check. Made by main.ts, asked by rpc/methods.ts.

import { availableParallelism } from 'node:os';
import { kernelObstacle } from './privilege/rights';
import type { TakenAsRoot } from './privilege/takeAsRoot';
import { TracerError } from './protocol';
import type { RecordingService, Services } from './rpc/methods';
import type { HelperServer } from './rpc/server';
import type { ServeArguments } from './serveArguments';
import type { StartCapture } from './stack/types';

/** Parsing is short and mostly cached: more workers would cost memory without being felt. */
const MAX_SYMBOL_WORKERS = 2;

export interface ServiceOptions {
  args: ServeArguments;
  taken: TakenAsRoot;
  log: HelperServer['log'];
  shutdown: () => void;
}

export interface HelperServices extends Services {
  /** Loads what recordings need, ahead of the first request. */
  preload(): void;
  /** Ends and saves all recordings: nothing is left in the kernel. */
  unload(): Promise<void>;
}

export function createServices(options: ServiceOptions): HelperServices {
  let recordings: Promise<RecordingService> | null = null;
  const load = () => {
    recordings ??= loadRecordings(options);
    return recordings;
  };
  return {
    recordings: load,
    listProcesses: async () => (await import('./process/list')).listProcesses(),
    checkMachine: async () => (await import('./doctor/check')).checkMachine(),
    shutdown: options.shutdown,
    // A failure is told to whoever asks for a recording.
    preload: () => void load().catch(() => {}),
    unload: async () => {
      if (recordings) await (await recordings).closeAll();
    },
  };
}

async function loadRecordings({ args, taken, log }: ServiceOptions): Promise<RecordingService> {
  const [{ Recordings }, { startCapture }, { createSymbolizer }] = await Promise.all([
    import('./stack/recordings'),
    import('./stack/capture'),
    import('./symbolize'),
  ]);
  const checkedCapture: StartCapture = (wanted, sink) => {
    const obstacle = kernelObstacle();
    if (obstacle) throw new TracerError(obstacle);
    const without = [...wanted.without, ...args.without];
    return startCapture({ ...wanted, cacheDir: args.cacheDir, without, kallsymsFd: taken.unwindKallsymsFd }, sink);
  };
  return new Recordings({
    startCapture: checkedCapture,
    symbolizer: createSymbolizer({
      cacheDir: args.cacheDir,
      kallsymsFd: taken.kallsymsFd,
      workers: Math.min(MAX_SYMBOL_WORKERS, Math.max(1, availableParallelism() - 1)),
      log,
    }),
    log,
    callerUid: args.uid,
    readBpfNs: () => null,
  });
}
