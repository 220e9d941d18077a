// What can be done with a function: by the menu at a place of the page, and by keys (pageKeys.ts).
import * as l10n from '@vscode/l10n';
import type { Host } from '../host';
import type { Recording } from '../load';
import { plainName } from '../names';
import { VERB_KEYS, type Verb } from '../pageKeys';
import { baseOf, busiestThread, type Part } from '../part';
import type { PartChoice } from '../partChoice';
import { openSource, sourceLink } from '../sourceLinks';
import { type MenuItem, openMenu } from './menu';

/** What the page shows, as far as verbs need it. */
export interface VerbTarget {
  /** `recording` with frames for folded modules behind those of `original`. */
  recording: Recording;
  original: Recording;
  part: Part;
}

export class FrameVerbs {
  constructor(
    private readonly host: Host,
    private readonly choice: PartChoice,
    private readonly page: {
      shown(): VerbTarget | null;
      showCallers(frame: number): void;
      pathTo(frame: number): readonly number[];
    },
  ) {}

  openMenu(frame: number, at: { x: number; y: number }): void {
    const shown = this.page.shown();
    if (shown?.recording.frames[frame]) openMenu(this.nameOf(frame), this.items(shown, frame), at);
  }

  openSource(frame: number, event: Pick<MouseEvent, 'altKey'>): void {
    const { recording } = this.page.shown() ?? {};
    if (recording && sourceLink(recording, frame)) openSource(this.host, recording, frame, event);
  }

  run(verb: Verb, frame: number): void {
    const shown = this.page.shown();
    if (!shown?.recording.frames[frame]) return;
    const { original, part } = shown;
    switch (verb) {
      case 'callers':
        this.page.showCallers(frame);
        return;
      case 'focus':
        if (!isStandIn(shown, frame)) this.choice.setFocus(part.focus === frame ? null : frame);
        return;
      case 'hideLibrary': {
        const module = moduleOf(shown, frame);
        if (module !== null && !isStandIn(shown, frame)) this.choice.hideModule(module);
        return;
      }
      case 'onlyThread': {
        const thread = busiestThread(original, part, frame);
        if (thread !== null) this.choice.setThreads(new Set([thread]));
        return;
      }
      case 'copyName':
        this.host.send({ type: 'copy', text: this.nameOf(frame) });
        return;
      case 'copyStack': {
        const text = this.page
          .pathTo(frame)
          .map((one) => this.nameOf(one))
          .join('\n');
        this.host.send({ type: 'copy', text });
        return;
      }
      default:
        verb satisfies never;
    }
  }

  private items(shown: VerbTarget, frame: number): MenuItem[] {
    const { recording, original, part } = shown;
    const module = moduleOf(shown, frame);
    const folded = isStandIn(shown, frame);
    const verb = (text: string, which: Verb): MenuItem => ({
      text,
      keys: VERB_KEYS[which],
      run: () => this.run(which, frame),
    });
    const items: MenuItem[] = [];
    if (sourceLink(recording, frame)?.opens)
      items.push({
        text: l10n.t('Go to Source'),
        keys: 'Enter',
        run: () => this.openSource(frame, { altKey: false }),
      });
    if (folded && module !== null)
      items.push({ text: l10n.t('Show {0}', module), run: () => this.choice.showModule(module) });
    items.push(verb(l10n.t('Show Callers'), 'callers'));
    if (!folded) items.push(verb(part.focus === frame ? l10n.t('Show Everything') : l10n.t('Focus'), 'focus'));
    if (!folded && module !== null) items.push(verb(l10n.t('Hide {0}', module), 'hideLibrary'));
    if (!folded && baseOf(original, part.profile).thread !== null)
      items.push(verb(l10n.t('Only This Thread'), 'onlyThread'));
    return [...items, verb(l10n.t('Copy Name'), 'copyName'), verb(l10n.t('Copy Stack'), 'copyStack')];
  }

  private nameOf(frame: number): string {
    return plainName(this.page.shown()?.recording.frames[frame]?.name ?? '');
  }
}

/** It stands for a module in which everything is folded: no stack of the recording has it. */
const isStandIn = ({ original }: VerbTarget, frame: number): boolean => frame >= original.frames.length;

const moduleOf = ({ recording }: VerbTarget, frame: number): string | null =>
  recording.extra?.frameDetails?.[frame]?.module || null;
