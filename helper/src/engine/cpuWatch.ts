// CPUs come and go: in virtual machines, in sleep states, by the administrator. Once a second, whoever has something on every CPU
// is told which are there.

import { onlineCpus } from '../bpf/cpus';
import type { CpuUser } from './kernelSession';

const INTERVAL_MS = 1000;

export class CpuWatch {
  private readonly users: CpuUser[] = [];
  private cpus = new Set<number>(onlineCpus());
  private lookedAtMs = performance.now();

  add(user: CpuUser): void {
    this.users.push(user);
  }

  /** To be called often. */
  update(): void {
    const now = performance.now();
    if (now - this.lookedAtMs < INTERVAL_MS) return;
    this.lookedAtMs = now;
    const online = new Set(onlineCpus());
    for (const user of this.users) {
      for (const cpu of this.cpus) if (!online.has(cpu)) user.offline(cpu);
      for (const cpu of online) user.online(cpu);
    }
    this.cpus = online;
  }
}
