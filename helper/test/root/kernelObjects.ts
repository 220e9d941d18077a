// Which BPF objects the kernel has, by their ids alone. Looking at an object (bpftool does) takes a reference to it, and kernel 6.18
// keeps a program array for good that is looked at while its last user goes: its clearing, a work item, is then counted twice.

import koffi from 'koffi';

const KINDS = ['prog', 'map', 'link'] as const;

type NextId = (startId: number, nextId: [number]) => number;
let nextIds: Map<string, NextId> | null = null;

function nextIdOf(kind: string): NextId {
  if (!nextIds) {
    const libbpf = koffi.load('libbpf.so.1');
    nextIds = new Map(
      KINDS.map((one) => [one, libbpf.func(`int bpf_${one}_get_next_id(uint32 start_id, _Out_ uint32 *next_id)`)]),
    );
  }
  return nextIds.get(kind)!;
}

/** Those of `objects` (`prog 12`, `map 34`, `link 56`) that the kernel still has. As root. */
export function stillThere(objects: string[]): string[] {
  return objects.filter((object) => {
    const [kind, id] = object.split(' ');
    const next: [number] = [0];
    return nextIdOf(kind)(Number(id) - 1, next) === 0 && next[0] === Number(id);
  });
}
