// Which CPUs there are, from /sys/devices/system/cpu. Asked again once a second: CPUs come and go in virtual machines and on
// laptops.

import { readFileSync } from 'node:fs';

/** `0-3,5` as numbers. */
export function parseCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

export function onlineCpus(): number[] {
  return parseCpuList(readFileSync('/sys/devices/system/cpu/online', 'latin1'));
}

/** Per-CPU map values have this many parts. */
export function possibleCpuCount(): number {
  return Math.max(...parseCpuList(readFileSync('/sys/devices/system/cpu/possible', 'latin1'))) + 1;
}
