// Frames as the user meets them: their name, their source link, and an identity that survives a reload, in which the recording's
// frame table may have been renumbered. Also turns a wish to see the source into the message for it.
import * as l10n from '@vscode/l10n';
import { hottestLine, INLINED_SUFFIX } from '../../helper/src/protocol';
import type { Host } from './host';
import type { Recording } from './load';

export interface SourceLink {
  /** Its name without the folder. */
  file: string;
  /** As recorded, with its folder. */
  title: string;
  line: number | null;
  /** It is on this machine, as far as is known. */
  opens: boolean;
}

let missing: ReadonlySet<string> = new Set();

/** Sources that are not on this machine, as the recording names them. */
export function setMissingSources(files: readonly string[]): void {
  missing = new Set(files);
}

export const isMissing = (file: string): boolean => missing.has(file);

/** Where frame `index` is in the source: its hottest line, else where it begins; null where the recording does not know. */
export function sourceLink(recording: Recording, index: number): SourceLink | null {
  const frame = recording.frames[index];
  if (!frame?.file) return null;
  const [metric] = recording.extra?.metrics ?? [];
  const hottest = metric ? hottestLine(metric, index) : null;
  const line = hottest?.[0] ?? frame.line ?? null;
  const file = frame.file.slice(frame.file.lastIndexOf('/') + 1) || frame.file;
  const opens = !missing.has(frame.file);
  const path = line === null ? frame.file : `${frame.file}:${line}`;
  return { file, title: opens ? path : l10n.t('{0} (not on this machine)', path), line, opens };
}

/** The executed line with the most of a metric itself, where the recording counts lines: [line, self, total]. */
export function ownHottestLine(
  recording: Recording,
  index: number,
  metric: number,
): readonly [number, number, number] | null {
  const lines = recording.extra?.metrics[metric]?.functionLines[index] ?? [];
  return lines.reduce<readonly [number, number, number] | null>(
    (best, line) => (best === null || line[1] > best[1] || (line[1] === best[1] && line[2] > best[2]) ? line : best),
    null,
  );
}

/** For hovers: the full name with parameters and type arguments where the recording has one. */
export function fullName(recording: Recording, index: number): string {
  const { fullName, inlined } = recording.extra?.frameDetails?.[index] ?? {};
  if (fullName === undefined) return recording.frames[index]?.name ?? '';
  return inlined ? fullName.replace(/$/gm, INLINED_SUFFIX) : fullName;
}

const identities = new Map<string, number>();

/** The same number for the same function in every version of a recording: name, file and line tell functions apart. */
export function frameIdentity(recording: Recording, index: number): number {
  const frame = recording.frames[index];
  const module = recording.extra?.frameDetails?.[index]?.module ?? '';
  const key = `${frame?.name}\0${frame?.file ?? module}\0${frame?.line ?? ''}`;
  let identity = identities.get(key);
  if (identity === undefined) {
    identity = identities.size;
    identities.set(key, identity);
  }
  return identity;
}

/** Index of the frame in `to` that is frame `index` in `from`. */
export function sameFrame(from: Recording, index: number, to: Recording): number | null {
  const wanted = frameIdentity(from, index);
  if (index < to.frames.length && frameIdentity(to, index) === wanted) return index;
  const found = to.frames.findIndex((_, candidate) => frameIdentity(to, candidate) === wanted);
  return found === -1 ? null : found;
}

/** Asks for the source of a frame, beside the graph unless Alt is held. `line` where another than the frame's is meant. */
export function openSource(
  host: Host,
  recording: Recording,
  frame: number,
  event: Pick<MouseEvent | KeyboardEvent, 'altKey'>,
  line = sourceLink(recording, frame)?.line ?? null,
): void {
  host.send({ type: 'openSource', frame, line, beside: !event.altKey });
}
