// Recordings of older versions as today's: the only place that knows what they looked like. What is not ours passes through as it
// is.

import type { MetricFigures, RecordingExtra, RecordingFile } from './recordingFile';
import { RECORDING_FORMAT_VERSION } from './version';

/** `ebpfTracer` of version 1, where it differs. */
export interface RecordingExtraV1
  extends Omit<RecordingExtra, 'frequencyHz' | 'metrics' | 'profiles' | 'threads' | 'frameDetails' | 'lineTree'>,
    Pick<
      MetricFigures,
      'samples' | 'wholeStacks' | 'truncated' | 'frames' | 'symbolizedFrames' | 'lines' | 'timeBucketMs'
    > {
  frequencyHz: number;
  threads: { tid: number; pid: number; name: string; samples: number }[];
  frameDetails: (RecordingExtra['frameDetails'][number] & { lines: [number, number, number][] })[];
  lineTree?: { parent: number[]; frame: number[]; line: number[]; self: number[] };
  goroutines?: {
    top: { pid: number; id: number; samples: number; nodes: number[] }[];
    otherSamples: number;
    seen?: number;
  };
}

/** What a file may hold before it is upgraded. */
export type AnyRecordingFile = Omit<RecordingFile, 'ebpfTracer'> & { ebpfTracer?: RecordingExtra | RecordingExtraV1 };

export const isV1 = (extra: RecordingExtra | RecordingExtraV1): extra is RecordingExtraV1 => extra.formatVersion < 2;

/** The part of the file that is ours in today's version; what `wrongInV1` and then `wrongInExtra` say of it must be nothing. */
export function upgradeExtra(extra: RecordingExtra | RecordingExtraV1, profileCount: number): RecordingExtra {
  return isV1(extra) ? fromV1(extra, profileCount) : extra;
}

/** The same file in today's version. Its shape must have been checked; a newer version is returned as it is. */
export function upgradeRecording(file: AnyRecordingFile): RecordingFile {
  const { ebpfTracer: extra, ...rest } = file;
  if (!extra) return rest;
  return { ...rest, ebpfTracer: upgradeExtra(extra, rest.profiles.length) };
}

function fromV1(extra: RecordingExtraV1, profileCount: number): RecordingExtra {
  const { samples, wholeStacks, truncated, frames, symbolizedFrames, lines, timeBucketMs, goroutines, ...head } = extra;
  // All threads first, then each by itself, most samples first.
  const order = extra.threads
    .map((_, index) => index)
    .sort((a, b) => extra.threads[b].samples - extra.threads[a].samples);
  return {
    ...head,
    formatVersion: RECORDING_FORMAT_VERSION,
    metrics: [
      {
        id: 'cpu',
        unit: 'nanoseconds',
        period: 1e9 / extra.frequencyHz,
        samples,
        total: samples,
        wholeStacks,
        truncated,
        frames,
        symbolizedFrames,
        threads: extra.threads.map((thread) => thread.samples),
        contexts: goroutines
          ? [
              {
                kind: 'goroutine',
                top: goroutines.top.map(({ samples: figure, ...one }) => ({ ...one, figure })),
                otherFigure: goroutines.otherSamples,
                ...(goroutines.seen === undefined ? {} : { seen: goroutines.seen }),
              },
            ]
          : [],
        lines,
        functionLines: extra.frameDetails.map((detail) => detail.lines),
        ...(extra.lineTree ? { treeSelf: extra.lineTree.self } : {}),
        ...(timeBucketMs === undefined ? {} : { timeBucketMs }),
      },
    ],
    profiles: Array.from({ length: profileCount }, (_, i) => ({
      metric: 0,
      thread: i === 0 ? null : (order[i - 1] ?? null),
    })),
    threads: extra.threads.map(({ tid, pid, name }) => ({ tid, pid, name })),
    frameDetails: extra.frameDetails.map(({ lines: _, ...detail }) => detail),
    ...(extra.lineTree
      ? { lineTree: { parent: extra.lineTree.parent, frame: extra.lineTree.frame, line: extra.lineTree.line } }
      : {}),
  };
}
