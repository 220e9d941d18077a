// Which part of the recording the user wants to see, by whatever control it was chosen, how it is remembered, and how it follows to a
// newer version of the recording. What it is for the graph and the tables is made in part.ts.
import {
  FOLDS_NOTHING,
  type FoldChoice,
  type FoldRule,
  mergedProfile,
  type TimeRange,
} from '../../helper/src/protocol';
import type { Host } from './host';
import type { Recording } from './load';
import type { Moments } from './moments';
import { baseOf, type Part, wholeOf } from './part';
import { sameFrame } from './sourceLinks';
import { threadKey, threadsOfKeys } from './threadGroups';

export class PartChoice {
  /** The recording that is shown, or will be as soon as the page is free. */
  recording: Recording | null = null;
  part: Part = wholeOf(0);
  private rule = FOLDS_NOTHING;

  constructor(
    private readonly host: Host,
    private readonly onChange: () => void,
  ) {}

  /** The same part of a newer version, or what was remembered of this one. */
  follow(recording: Recording): void {
    const { recording: before, host } = this;
    const { profile: name, threads, range = null } = host.state;
    const found = recording.profiles.findIndex((profile) => profile.name === name);
    this.part = {
      profile: found === -1 ? recording.activeProfile : found,
      threads: threadsOfKeys(recording, threads),
      range: range && range.fromMs < (recording.extra?.durationMs ?? 0) ? range : null,
      moments: this.part.moments,
      rule: this.rule,
      focus: before && this.part.focus !== null ? sameFrame(before, this.part.focus, recording) : null,
    };
    this.recording = recording;
    if (this.part.range) this.tell();
  }

  /** Whose code the user wants to see, as the workspace remembers it. */
  setRule(rule: FoldRule): void {
    this.rule = rule;
    this.change({ rule });
  }

  setProfile(profile: number): void {
    const chosen = this.recording?.profiles[profile];
    if (!chosen) return;
    this.host.remember({ profile: chosen.name });
    this.change({ profile });
  }

  setThreads(threads: ReadonlySet<number> | null): void {
    const { recording } = this;
    if (!recording) return;
    this.host.remember({ threads: threads ? [...threads].map((thread) => threadKey(recording, thread)) : undefined });
    this.change({ threads });
  }

  setRange(range: TimeRange | null): void {
    this.host.remember({ range: range ?? undefined });
    this.change({ range });
    this.tell();
  }

  /** Of all threads and of all the time: what else was chosen would leave out some of it. */
  setMoments(moments: Moments | null): void {
    const { recording, part } = this;
    if (!recording?.extra) return;
    const { metric } = recording.profiles[part.profile];
    const profile = moments ? Math.max(0, mergedProfile(recording.extra, metric)) : part.profile;
    this.change({ moments, ...(moments ? { profile, threads: null, range: null } : {}) });
  }

  setFocus(focus: number | null): void {
    this.change({ focus });
  }

  fold(choice: FoldChoice): void {
    this.rule = { ...this.rule, ...choice };
    this.change({ rule: this.rule });
    this.tell();
  }

  showModule(module: string): void {
    const { rule } = this;
    const shownModules = [...new Set([...rule.shownModules, module])];
    this.fold({ ...rule, shownModules, hiddenModules: rule.hiddenModules.filter((one) => one !== module) });
  }

  hideModule(module: string): void {
    const { rule } = this;
    const shownModules = rule.shownModules.filter((one) => one !== module);
    this.fold({ ...rule, shownModules, hiddenModules: [...new Set([...rule.hiddenModules, module])] });
  }

  /** To the next thread, the one with most first, or back; before the first one are all of them. */
  stepThread(step: number): void {
    const { recording, part } = this;
    if (!recording) return;
    if (!baseOf(recording, part.profile).thread) {
      this.setProfile(part.profile + step);
      return;
    }
    const figures = recording.extra?.metrics[recording.profiles[part.profile].metric]?.threads ?? [];
    const order = [...figures.keys()].filter((thread) => figures[thread] > 0).sort((a, b) => figures[b] - figures[a]);
    const [only] = part.threads?.size === 1 ? part.threads : [];
    const next = (only === undefined ? -1 : order.indexOf(only)) + step;
    if (next >= -1 && next < order.length) this.setThreads(next === -1 ? null : new Set([order[next]]));
  }

  private change(change: Partial<Part>): void {
    this.part = { ...this.part, ...change };
    if (this.recording) this.onChange();
  }

  /** The editors show the same. */
  private tell(): void {
    const { origins, shownModules, hiddenModules } = this.rule;
    this.host.send({ type: 'part', range: this.part.range, fold: { origins, shownModules, hiddenModules } });
  }
}
