// A speedscope file's text -> profiles of weighted stacks, checked: ours, and those of any other program in any unit. Evented profiles
// become stacks here, so that everything behind knows one shape only. Nothing is made up that the file does not say.
//
// Layout: speedscope's file-format-spec.ts (its JSON schema ships in the package as file-format-schema.json).

import { MAX_STACK_FRAMES, wrongInExtra, wrongInV1 } from './extraShape';
import { whyNotParsed } from './jsonSize';
import type { RecordingExtra, RecordingFile, SampledProfile, SpeedscopeFrame } from './recordingFile';
import { type AnyRecordingFile, isV1, type RecordingExtraV1, upgradeExtra } from './upgradeRecording';
import { RECORDING_FORMAT_VERSION } from './version';

/** The text is no such file; `message` continues "X is not a recording: ". */
export class NotSpeedscope extends Error {}

/** It can be read only by going over events that contradict each other: ask again with `repair`, and say so. */
export class OddEvents extends NotSpeedscope {
  constructor(readonly count: number) {
    super(
      `events in it do not fit each other (${count}): frames close that are not open or not innermost, or never close`,
    );
  }
}

export interface SpeedscopeFile {
  file: RecordingFile;
  /** Events that closed what was not open, or that stand before their time, and frames that nothing closed. */
  oddEvents: number;
}

/** Frames of all stacks that events become, and of the open ones that a close is looked for in. */
const MAX_EVENT_STEPS = 1e8;
/** Of a profile in its unit: times a factor of 10^9 (seconds as nanoseconds) it still fits into 64 bits with a sign. */
const MAX_WEIGHT = 9e9 * 1e9;
const TOO_DEEP = 'its stacks are too deep';
const SCHEMA = 'https://www.speedscope.app/file-format-schema.json';

const UNITS = ['none', 'nanoseconds', 'microseconds', 'milliseconds', 'seconds', 'bytes'] as const;

interface RawProfile {
  type?: unknown;
  name?: unknown;
  unit?: unknown;
  startValue?: unknown;
  endValue?: unknown;
  samples?: unknown;
  weights?: unknown;
  events?: unknown;
}

export interface ParseOptions {
  /** Odd events are gone over, not refused. */
  repair?: boolean;
  /** Sees our own part before anything else is looked at. */
  first?: (extra: unknown) => void;
}

/** Throws NotSpeedscope. */
export function parseSpeedscope(text: string, { repair = false, first }: ParseOptions = {}): SpeedscopeFile {
  const unreadable = whyNotParsed(text);
  if (unreadable !== null) throw new NotSpeedscope(unreadable);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new NotSpeedscope(text.trim() === '' ? 'it is empty' : 'it is not JSON, or cut off');
  }
  const file = parsed as Partial<RecordingFile> | null;
  first?.(file?.ebpfTracer);
  const frames: unknown = file?.shared?.frames;
  if (!Array.isArray(frames) || !Array.isArray(file?.profiles))
    throw new NotSpeedscope("it has no frames and profiles in speedscope's format");
  if (!frames.every((frame: Partial<SpeedscopeFrame> | null) => typeof frame?.name === 'string'))
    throw new NotSpeedscope('a frame has no name');
  const odd = { events: 0 };
  const profiles = (file.profiles as (RawProfile | null)[]).map((raw, i) => profileOf(raw, i, frames.length, odd));
  if (odd.events > 0 && !repair) throw new OddEvents(odd.events);
  const plain: AnyRecordingFile = {
    $schema: SCHEMA,
    shared: { frames: frames.map(plainFrame) },
    profiles,
    ...(typeof file.name === 'string' ? { name: file.name } : {}),
    ...(typeof file.exporter === 'string' ? { exporter: file.exporter } : {}),
  };
  const extra = (file as AnyRecordingFile).ebpfTracer;
  if (extra !== undefined) {
    plain.ebpfTracer = upgradedExtra(extra, frames.length, profiles.length);
    // Timelines of tracers are for speedscope itself.
    profiles.length = Math.min(profiles.length, plain.ebpfTracer.profiles.length);
  }
  if (isIndex(file.activeProfileIndex, profiles.length)) plain.activeProfileIndex = file.activeProfileIndex;
  return { file: plain as RecordingFile, oddEvents: odd.events };
}

function upgradedExtra(raw: RecordingExtra | RecordingExtraV1, frames: number, profiles: number): RecordingExtra {
  if (typeof raw?.formatVersion !== 'number') throw new NotSpeedscope('its ebpfTracer part has no format version');
  if (raw.formatVersion > RECORDING_FORMAT_VERSION) throw new NotSpeedscope('a newer version of this product wrote it');
  const refuse = (wrong: string | null) => {
    if (wrong !== null) throw new NotSpeedscope(`its ebpfTracer part is not whole: ${wrong}`);
  };
  if (isV1(raw)) refuse(wrongInV1(raw));
  const extra = upgradeExtra(raw, profiles);
  refuse(wrongInExtra(extra, frames, profiles));
  return extra;
}

/** What else is in it, or is not of its type, is left out: other programs write `null` for what they do not know. */
function plainFrame({ name, file, line, col }: Record<keyof SpeedscopeFrame, unknown>): SpeedscopeFrame {
  const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  return {
    name: name as string,
    ...(typeof file === 'string' ? { file } : {}),
    ...(isPlace(line) ? { line } : {}),
    ...(isPlace(col) ? { col } : {}),
  };
}

function profileOf(raw: RawProfile | null, index: number, frames: number, odd: { events: number }): SampledProfile {
  const { type, name, unit, startValue, endValue } = raw ?? {};
  const head = {
    type: 'sampled' as const,
    name: typeof name === 'string' && name !== '' ? name : `Profile ${index + 1}`,
    unit: UNITS.find((known) => known === unit) ?? 'none',
    startValue: numberOr(startValue, 0),
  };
  if (type === 'sampled') {
    const { samples, weights } = checkedSamples(raw!, frames);
    return { ...head, endValue: numberOr(endValue, head.startValue + sum(weights)), samples, weights };
  }
  if (type !== 'evented') throw new NotSpeedscope('a profile in it is neither sampled nor evented');
  const { samples, weights } = stacksOfEvents(raw!, frames, odd);
  return { ...head, endValue: head.startValue + sum(weights), samples, weights };
}

function checkedSamples({ samples, weights }: RawProfile, frames: number): Pick<SampledProfile, 'samples' | 'weights'> {
  if (!Array.isArray(samples) || !Array.isArray(weights) || samples.length !== weights.length)
    throw new NotSpeedscope('samples and weights in it do not match');
  const isFrame = (frame: unknown) => isIndex(frame, frames);
  if (!samples.every((stack) => Array.isArray(stack) && stack.every(isFrame)))
    throw new NotSpeedscope('a sample names a frame that is not there');
  if (samples.some((stack) => stack.length > MAX_STACK_FRAMES)) throw new NotSpeedscope(TOO_DEEP);
  if (!weights.every((weight) => Number.isFinite(weight) && weight >= 0))
    throw new NotSpeedscope('a weight in it is no number from 0 on');
  if (sum(weights) > MAX_WEIGHT) throw new NotSpeedscope('its weights are too great');
  return { samples, weights };
}

/**
 * Replays open and close events: each stretch between two of them is one stack with that weight. Time without an open frame is
 * kept too, as an empty stack: time order shows it as a gap. A close ends the innermost frame of that name that is open.
 */
function stacksOfEvents(
  profile: RawProfile,
  frames: number,
  odd: { events: number },
): Pick<SampledProfile, 'samples' | 'weights'> {
  const { events, startValue, endValue } = profile;
  if (!Array.isArray(events)) throw new NotSpeedscope('an evented profile in it has no events');
  const samples: number[][] = [];
  const weights: number[] = [];
  const open: number[] = [];
  let steps = 0;
  const spend = (frames: number) => {
    steps += frames;
    if (steps > MAX_EVENT_STEPS || open.length > MAX_STACK_FRAMES) throw new NotSpeedscope(TOO_DEEP);
  };
  let previous = numberOr(startValue, numberOr(events[0]?.at, 0));
  const advance = (at: number) => {
    if (at > previous) {
      spend(open.length);
      samples.push([...open]);
      weights.push(at - previous);
      previous = at;
    }
  };
  for (const event of events) {
    const { type, frame, at } = event ?? {};
    if ((type !== 'O' && type !== 'C') || !Number.isFinite(at))
      throw new NotSpeedscope('an event in it has no type or time');
    if (!isIndex(frame, frames)) throw new NotSpeedscope('an event names a frame that is not there');
    if (at < previous) odd.events++;
    advance(at);
    if (type === 'O') open.push(frame);
    else {
      const index = open.lastIndexOf(frame);
      spend(open.length - index);
      if (index !== open.length - 1 || index < 0) odd.events++;
      if (index >= 0) open.splice(index, 1);
    }
  }
  odd.events += open.length;
  spend(0);
  if (open.length > 0) advance(numberOr(endValue, previous));
  if (sum(weights) > MAX_WEIGHT) throw new NotSpeedscope('its times are too far apart');
  return { samples, weights };
}

function isIndex(frame: unknown, frames: number): frame is number {
  return Number.isInteger(frame) && (frame as number) >= 0 && (frame as number) < frames;
}

const numberOr = (value: unknown, otherwise: number): number =>
  Number.isFinite(value) ? (value as number) : otherwise;

const sum = (weights: readonly number[]): number => weights.reduce((all, weight) => all + weight, 0);
