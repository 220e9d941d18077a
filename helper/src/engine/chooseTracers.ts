// From what a client asks for to tracers with checked options, by the table that the helper or the command line has.

import { type RecordOptions, type RecordTarget, type TargetKind, targetKind, tracerError } from '../protocol';
import type { ChosenTracer, Tracer } from './tracer';

const KINDS: Record<TargetKind, string> = {
  processes: 'processes',
  interface: 'a network interface',
  netns: 'a network namespace',
  everything: 'everything at once',
};

/** In the table's order. Throws TracerError: TRACER_UNKNOWN, TARGET_UNSUITABLE, or what the tracer says of its options. */
export function chooseTracers(
  table: readonly Tracer[],
  { tracers, target }: Pick<RecordOptions, 'tracers' | 'target'>,
): ChosenTracer[] {
  const wanted = Object.keys(tracers);
  tracersNamed(table, wanted);
  return table
    .filter(({ id }) => wanted.includes(id))
    .map((tracer) => {
      requireTarget(tracer, target);
      return { tracer, options: tracer.check(tracers[tracer.id]) };
    });
}

/** In the table's order. Throws TRACER_UNKNOWN with the names that exist. */
export function tracersNamed(table: readonly Tracer[], names: readonly string[]): Tracer[] {
  const existing = table.map(({ id }) => id);
  const unknown = names.find((name) => !existing.includes(name));
  if (unknown !== undefined || names.length === 0)
    throw tracerError('TRACER_UNKNOWN', unknown ?? '', existing.join(', '));
  return table.filter(({ id }) => names.includes(id));
}

/** Those of the table that need no other rights than these together do: whoever is started for these can run them, too. */
export function tracersWithRightsOf(table: readonly Tracer[], chosen: readonly Tracer[]): Tracer[] {
  const rights = new Set(chosen.flatMap(({ capabilities }) => capabilities));
  return table.filter(({ capabilities }) => capabilities.every((one) => rights.has(one)));
}

function requireTarget({ id, targets }: Tracer, target: RecordTarget): void {
  const kind = targetKind(target);
  if (!targets.includes(kind)) throw tracerError('TARGET_UNSUITABLE', id, KINDS[kind]);
}
