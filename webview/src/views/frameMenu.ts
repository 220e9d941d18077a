// What can be done with a function, as a menu: the same verbs have keys of their own (pageKeys.ts).
import * as l10n from '@vscode/l10n';
import { VERB_KEYS, type Verb } from '../pageKeys';
import type { MenuItem } from './menu';

export interface FrameVerbs {
  /** null: there is nothing to go to. */
  openSource: (() => void) | null;
  /** Of the function; null where it is of none. */
  module: string | null;
  /** It stands for a folded module. */
  isFolded: boolean;
  /** Its thread can be told. */
  hasThread: boolean;
  isFocused: boolean;
  showModule(): void;
  unfocus(): void;
  run(verb: Verb): void;
}

export function frameMenuItems(of: FrameVerbs): MenuItem[] {
  const verb = (text: string, which: Verb): MenuItem => ({ text, keys: VERB_KEYS[which], run: () => of.run(which) });
  return [
    ...(of.openSource ? [{ text: l10n.t('Go to Source'), keys: 'Enter', run: of.openSource }] : []),
    ...(of.isFolded && of.module ? [{ text: l10n.t('Show {0}', of.module), run: of.showModule }] : []),
    verb(l10n.t('Show Callers'), 'callers'),
    of.isFocused
      ? { text: l10n.t('Show Everything'), keys: VERB_KEYS.focus, run: of.unfocus }
      : verb(l10n.t('Focus'), 'focus'),
    ...(of.module && !of.isFolded ? [verb(l10n.t('Hide {0}', of.module), 'hideLibrary')] : []),
    ...(of.hasThread ? [verb(l10n.t('Only This Thread'), 'onlyThread')] : []),
    verb(l10n.t('Copy Name'), 'copyName'),
    verb(l10n.t('Copy Stack'), 'copyStack'),
  ];
}
