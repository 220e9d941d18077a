// A recording file's text -> today's version of it, or the error that says in one sentence why not. Command line and extension read
// recordings through this alone; the page has words of its own (webview/src/load.ts).

import { TracerError, tracerError } from './errors';
import type { RecordingFile } from './recordingFile';
import { NotSpeedscope, OddEvents, parseSpeedscope } from './speedscopeFile';
import { RECORDING_FORMAT_VERSION } from './version';

/**
 * Throws NOT_A_RECORDING or RECORDING_TOO_NEW. A speedscope file of another profiler is fine: it has no `ebpfTracer`. `warn` hears what
 * was odd in a file that could be read.
 */
export function parseRecording(text: string, path: string, warn: (text: string) => void = () => {}): RecordingFile {
  const first = (extra: unknown) => {
    const version = (extra as RecordingFile['ebpfTracer'] | null | undefined)?.formatVersion;
    if (typeof version === 'number' && version > RECORDING_FORMAT_VERSION)
      throw tracerError('RECORDING_TOO_NEW', path, version);
  };
  try {
    const { file, oddEvents } = parseSpeedscope(text, { repair: true, first });
    if (oddEvents > 0) warn(`${path}: ${new OddEvents(oddEvents).message}.`);
    return file;
  } catch (error) {
    if (error instanceof TracerError) throw error;
    throw error instanceof NotSpeedscope ? tracerError('NOT_A_RECORDING', path, error.message) : error;
  }
}
