// Prepares the window for speedscope, builds the page with its views, and takes the extension's messages. Runs before speedscope's
// script (see index.html); what needs speedscope waits for DOMContentLoaded.
import * as l10n from '@vscode/l10n';
import { connectHost } from './host';
import { guardKeys } from './keys';
import type { ToWebview } from './messages';
import { RecordingPage } from './recordingPage';
import { prepareSpeedscope } from './speedscope';
import { ColorSchemeSwitch } from './theme';
import type { MakeView } from './views/view';

/** Once a page. */
export function startPage(views: readonly MakeView[]): void {
  l10n.config({ contents: document.querySelector<HTMLMetaElement>('meta[name=l10n]')?.content || '{}' });
  document.documentElement.lang = document.querySelector<HTMLMetaElement>('meta[name=lang]')?.content || 'en';
  const host = connectHost();
  const scheme = new ColorSchemeSwitch();
  scheme.install();
  prepareSpeedscope();
  guardKeys(() => document.body.lastElementChild);
  // speedscope's only channel for errors; VS Code blocks it in webviews.
  window.alert = (text) => host.send({ type: 'error', text: String(text) });

  document.addEventListener('DOMContentLoaded', () => {
    // speedscope rendered into the body's last element and took its id away.
    const graphRoot = document.body.lastElementChild as HTMLElement;
    graphRoot.id = 'speedscope';
    const page = new RecordingPage(host, graphRoot, views);
    document.getElementById('app')?.append(page.root);
    window.addEventListener('message', (event: MessageEvent<ToWebview>) => receive(page, event.data));
    void page.start(scheme).then(
      () => host.send({ type: 'ready' }),
      (error) => host.send({ type: 'error', text: String(error) }),
    );
  });
}

function receive(page: RecordingPage, message: ToWebview): void {
  switch (message.type) {
    case 'load':
      void page.open(message.text, message.name, message.live);
      break;
    case 'status':
      page.say(message);
      break;
    case 'select':
      page.select(message.frame);
      break;
    case 'showItem':
      page.showItem(message.view, message.key);
      break;
    case 'fold':
      page.setRule(message.rule);
      break;
    case 'missingSources':
      page.markMissing(message.files);
      break;
    case 'theme':
      // The page follows VS Code's own classes and colours, which also tell high contrast.
      break;
    default:
      message satisfies never;
  }
}
