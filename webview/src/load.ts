// A recording file's text -> what the views show: our own files and any other program's in speedscope's format, each with all of its
// profiles in their own units.
import * as l10n from '@vscode/l10n';
import {
  type Metric,
  NotSpeedscope,
  OddEvents,
  parseSpeedscope,
  type RecordingExtra,
  type SampledProfile,
  type SpeedscopeFile,
  type SpeedscopeFrame,
  visibleText,
} from '../../helper/src/protocol';

/** `samples`: our own counts. `none`: numbers of another program that say no unit. */
export type Unit = SampledProfile['unit'] | 'samples';

/** One profile (one thread, or all of them merged) as stacks of frame indexes, outermost first, each with a weight. */
export interface StackProfile {
  name: string;
  unit: Unit;
  stacks: readonly (readonly number[])[];
  /** In `unit`. */
  weights: readonly number[];
  totalWeight: number;
  /** Index of its metric in the recording; 0 where another program wrote the file. */
  metric: number;
  /** Samples behind a weight of 1, so that shares can carry their error; null where the file does not say. */
  samplesPerWeight: number | null;
}

export interface Recording {
  name: string;
  frames: readonly SpeedscopeFrame[];
  profiles: readonly StackProfile[];
  activeProfile: number;
  /** null: another program wrote the file. */
  extra: RecordingExtra | null;
  /** Events of evented profiles that do not fit each other. */
  oddEvents: number;
}

/** The text is no recording; `message` is a plain sentence for the user. */
export class RecordingError extends Error {}

/** It can be shown, with a warning: parse it with `repair`. */
export class OddRecordingError extends RecordingError {}

/** Throws RecordingError where `text` is not in speedscope's format. */
export function parseRecording(text: string, name: string, repair = false): Recording {
  const { file, oddEvents } = parsed(text, name, repair);
  const extra = file.ebpfTracer ?? null;
  return {
    name: visibleText(extra?.title || file.name || name),
    frames: file.shared.frames.map((frame) => ({ ...frame, name: visibleText(frame.name) })),
    profiles: file.profiles.map((profile, index) => ({
      name: visibleText(profile.name),
      metric: metricOf(extra, index),
      unit: extra && profile.unit === 'none' ? 'samples' : profile.unit,
      stacks: profile.samples,
      weights: profile.weights,
      totalWeight: profile.weights.reduce((sum, weight) => sum + weight, 0),
      samplesPerWeight: extra && samplesPerWeight(profile.unit, extra.metrics[metricOf(extra, index)]),
    })),
    activeProfile: activeProfile(file),
    extra,
    oddEvents,
  };
}

/** As it is, else gone over: `oddEvents` says so then. */
export function parseAnyRecording(text: string, name: string): Recording {
  try {
    return parseRecording(text, name);
  } catch (error) {
    if (error instanceof OddRecordingError) return parseRecording(text, name, true);
    throw error;
  }
}

function parsed(text: string, name: string, repair: boolean): SpeedscopeFile {
  try {
    return parseSpeedscope(text, { repair });
  } catch (error) {
    if (!(error instanceof NotSpeedscope)) throw error;
    if (error instanceof OddEvents) throw new OddRecordingError(l10n.t('{0} is damaged: {1}.', name, error.message));
    throw new RecordingError(
      l10n.t(
        "{0} is not a recording: {1}. Open files that this tracer or another profiler wrote in speedscope's format.",
        name,
        error.message,
      ),
    );
  }
}

function activeProfile({ activeProfileIndex: index, profiles }: SpeedscopeFile['file']): number {
  return index !== undefined && Number.isInteger(index) && profiles[index] ? index : 0;
}

const metricOf = (extra: RecordingExtra | null, profile: number): number => extra?.profiles[profile]?.metric ?? 0;

/** Our recordings weigh a sample by its metric's period, or by 1 without a unit; merged samples weigh their sum. */
function samplesPerWeight(unit: SampledProfile['unit'], { period }: Metric): number | null {
  if (period === null) return null;
  const perPeriodUnit = { none: period, nanoseconds: 1, microseconds: 1e3, milliseconds: 1e6, seconds: 1e9, bytes: 1 };
  return perPeriodUnit[unit] / period;
}
