// A recording file's text -> what the views show. Reads our own files and any other file in speedscope's format; what
// the format allows beyond ours (evented profiles) becomes weighted stacks here, so that the views know one shape only.
// Called by boot.ts.
//
// Layout: speedscope's file-format-spec.ts (its JSON schema ships in the package as file-format-schema.json).
import * as l10n from '@vscode/l10n';
import type { RecordingExtra, SampledProfile, SpeedscopeFrame } from '../../helper/src/protocol';

export type Unit = SampledProfile['unit'];

/** One profile (one thread, or all of them merged) as stacks of frame indexes, outermost first, each with a weight. */
export interface StackProfile {
  name: string;
  unit: Unit;
  stacks: readonly (readonly number[])[];
  /** In `unit`. */
  weights: readonly number[];
  totalWeight: number;
  /** Samples behind a weight of 1, so that shares can carry their error; null where weights are not samples. */
  samplesPerWeight: number | null;
}

export interface Recording {
  name: string;
  frames: readonly SpeedscopeFrame[];
  profiles: readonly StackProfile[];
  activeProfile: number;
  /** null: another program wrote the file. */
  extra: RecordingExtra | null;
}

/** The text is no recording; `message` is a plain sentence for the user. */
export class RecordingError extends Error {}

interface EventedProfile {
  type: 'evented';
  name: string;
  unit: Unit;
  startValue: number;
  events: { type: 'O' | 'C'; frame: number; at: number }[];
}
interface AnyFile {
  shared: { frames: SpeedscopeFrame[] };
  profiles: (SampledProfile | EventedProfile)[];
  name?: string;
  activeProfileIndex?: number;
  ebpfTracer?: RecordingExtra;
}

/** Throws RecordingError where `text` is not in speedscope's format. */
export function parseRecording(text: string, name: string): Recording {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new RecordingError(l10n.t('{0} is not a recording: it holds no valid JSON. It may be cut off.', name));
  }
  const file = parsed as AnyFile | null;
  if (!Array.isArray(file?.shared?.frames) || !Array.isArray(file.profiles))
    throw new RecordingError(l10n.t("{0} is not a recording in speedscope's format.", name));
  const extra = file.ebpfTracer ?? null;
  return {
    name: extra?.title || file.name || name,
    frames: file.shared.frames,
    profiles: file.profiles.map((profile) => {
      const { stacks, weights } = profile.type === 'evented' ? stacksOfEvents(profile) : checkedSamples(profile, name);
      return {
        name: profile.name,
        unit: profile.unit,
        stacks,
        weights,
        totalWeight: weights.reduce((sum, weight) => sum + weight, 0),
        samplesPerWeight: profile.type === 'evented' ? null : samplesPerWeight(profile, extra),
      };
    }),
    activeProfile: Math.min(Math.max(0, file.activeProfileIndex ?? 0), Math.max(0, file.profiles.length - 1)),
    extra,
  };
}

function checkedSamples(profile: SampledProfile, name: string) {
  if (!Array.isArray(profile.samples) || profile.samples.length !== profile.weights?.length)
    throw new RecordingError(l10n.t('{0} is damaged: not every stack in it has a weight.', name));
  return { stacks: profile.samples, weights: profile.weights };
}

/**
 * Our recordings weigh a sample by its period (1 / frequency), or by 1 without a unit; merged samples weigh their sum.
 * In other people's files every entry counts as one sample where weights differ in no unit of samples.
 */
function samplesPerWeight(profile: SampledProfile, extra: RecordingExtra | null): number | null {
  if (profile.unit === 'none') return 1;
  if (extra) {
    const perSecond = { nanoseconds: 1e-9, microseconds: 1e-6, milliseconds: 1e-3, seconds: 1, bytes: 0 }[profile.unit];
    return perSecond === 0 ? null : extra.frequencyHz * perSecond;
  }
  const total = profile.weights.reduce((sum, weight) => sum + weight, 0);
  return total > 0 ? profile.samples.length / total : null;
}

/** Replays open and close events: each stretch of time between two of them is one stack with that weight. */
function stacksOfEvents(profile: EventedProfile): { stacks: number[][]; weights: number[] } {
  const stacks: number[][] = [];
  const weights: number[] = [];
  const open: number[] = [];
  let previous = profile.startValue;
  for (const event of profile.events) {
    // Time without an open frame is kept too, as an empty stack: time order shows it as a gap.
    if (event.at > previous) {
      stacks.push([...open]);
      weights.push(event.at - previous);
    }
    previous = event.at;
    if (event.type === 'O') open.push(event.frame);
    else open.splice(open.lastIndexOf(event.frame), 1);
  }
  return { stacks, weights };
}
