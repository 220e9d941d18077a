// The clock of the sampling: one perf event on every CPU that is online, each running sample_stack(). Hardware cycles
// where the machine has a PMU, else cpu-clock.

import type { AttachStep } from '../protocol';
import { onlineCpus } from './cpus';
import { Jitter } from './jitter';
import { native, type Pointer } from './libbpf';
import type { BpfObject } from './object';
import {
  openOnCpu,
  PERF_COUNT_HW_CPU_CYCLES,
  PERF_COUNT_SW_CPU_CLOCK,
  PERF_EVENT_IOC_PERIOD,
  PERF_TYPE_HARDWARE,
  PERF_TYPE_SOFTWARE,
  type PerfAttributes,
} from './perfEvent';

const NS = 1e9;

interface Rung {
  name: string;
  attributes: PerfAttributes;
  /** The kernel itself varies the period. */
  adaptive: boolean;
}

function rungs(frequencyHz: number): Rung[] {
  return [
    {
      name: 'cycles',
      adaptive: true,
      attributes: {
        type: PERF_TYPE_HARDWARE,
        config: PERF_COUNT_HW_CPU_CYCLES,
        period: frequencyHz,
        flags: ['disabled', 'excludeIdle', 'frequency'],
      },
    },
    {
      name: 'cpu-clock',
      adaptive: false,
      attributes: {
        type: PERF_TYPE_SOFTWARE,
        config: PERF_COUNT_SW_CPU_CLOCK,
        period: Math.round(NS / frequencyHz),
        flags: ['disabled', 'excludeIdle'],
      },
    },
  ];
}

interface CpuEvent {
  fd: number;
  link: Pointer;
  /** Null where the kernel varies the period by itself. */
  jitter: Jitter | null;
}

/** Each change interrupts its CPU: on large machines less often. */
const CHANGES_PER_TICK = 16;

function monotonicNs(): number {
  return Number(process.hrtime.bigint());
}

export class SamplingEvents {
  private readonly events = new Map<number, CpuEvent>();
  private rung: Rung | null = null;
  private readonly period = Buffer.alloc(8);
  private readonly refused: AttachStep['refused'] = [];

  constructor(
    private readonly object: BpfObject,
    private readonly program: string,
    private readonly frequencyHz: number,
    private readonly without: string[],
  ) {}

  /** Attaches on all CPUs. False where no rung works anywhere. */
  attach(): boolean {
    for (const rung of rungs(this.frequencyHz)) {
      if (this.without.includes(rung.name)) {
        this.refused.push({ rung: `perf_event ${rung.name}`, why: 'switched off' });
        continue;
      }
      this.rung = rung;
      const failures = onlineCpus().map((cpu) => this.addCpu(cpu));
      if (this.events.size > 0) return true;
      this.refused.push({ rung: `perf_event ${rung.name}`, why: failures.find((f) => f !== null) ?? 'no CPU' });
    }
    this.rung = null;
    return false;
  }

  step(): AttachStep {
    return { what: 'sampling', taken: this.rung && `perf_event ${this.rung.name}`, refused: this.refused };
  }

  /** Null when it works, else the errno's name. A CPU that is going offline just now is no failure of the others. */
  addCpu(cpu: number): string | null {
    if (!this.rung || this.events.has(cpu)) return null;
    const fd = openOnCpu(this.rung.attributes, cpu);
    if (typeof fd === 'string') return fd;
    try {
      const link = this.object.attachPerfEvent(this.program, fd);
      const jitter = this.rung.adaptive ? null : new Jitter(this.frequencyHz, monotonicNs());
      this.events.set(cpu, { fd, link, jitter });
      return null;
    } catch (error) {
      native().system.close(fd);
      return (error as Error).message;
    }
  }

  removeCpu(cpu: number): void {
    const event = this.events.get(cpu);
    if (!event) return;
    this.object.detach(event.link);
    this.events.delete(cpu);
  }

  /** To be called often: varies the periods that are due. */
  vary(): void {
    let changes = 0;
    for (const { fd, jitter } of this.events.values()) {
      const beforeNs = monotonicNs();
      if (!jitter?.isDue(beforeNs)) continue;
      this.period.writeBigUInt64LE(BigInt(jitter.next(beforeNs)));
      native().system.ioctlMemory(fd, PERF_EVENT_IOC_PERIOD, this.period);
      if (++changes === CHANGES_PER_TICK) return;
    }
  }

  get cpus(): number[] {
    return [...this.events.keys()];
  }
}
