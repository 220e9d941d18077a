// The parts of the helper that answer requests, loaded when they are first needed so that the helper listens at once:
// recordings (capture + symbolizer), the process list, the machine check. Made by main.ts, asked by rpc/methods.ts.

import type { TakenAsRoot } from './privilege/takeAsRoot';
import { tracerError } from './protocol';
import type { RecordingService, Services } from './rpc/methods';
import type { HelperServer } from './rpc/server';
import type { ServeArguments } from './serveArguments';

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

export function createServices({ shutdown }: ServiceOptions): HelperServices {
  return {
    recordings: (): Promise<RecordingService> => Promise.reject(tracerError('INTERNAL', 'recordings come next')),
    listProcesses: () => Promise.resolve([]),
    checkMachine: () => Promise.reject(tracerError('INTERNAL', 'the check comes next')),
    shutdown,
    preload: () => {},
    unload: () => Promise.resolve(),
  };
}
