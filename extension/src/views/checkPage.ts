// The page of "Check This Machine" as HTML: plain rows, VS Code's own colours, one small script for the buttons.

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { CheckItem, CheckReport } from '../../../helper/src/protocol';

export interface CheckButton {
  label: string;
  /** What it copies. */
  text: string;
}

export interface CheckState {
  /** null while it is being made. */
  report: CheckReport | null;
  /** Shown when this is a container. */
  buttons: CheckButton[];
  /** The report was made by the helper, with rights. */
  elevated: boolean;
  place: string;
}

const SYMBOL: Record<CheckItem['status'], string> = { ok: '✓', degraded: '!', missing: '✗', unknown: '?' };

export function checkPage({ report, buttons, elevated, place }: CheckState): string {
  const nonce = randomBytes(16).toString('base64');
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'">
<title>${escapeHtml(vscode.l10n.t('Check This Machine'))}</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(vscode.l10n.t('Check This Machine'))}</h1>
${report ? body(report, buttons, elevated, place) : `<p role="status">${escapeHtml(vscode.l10n.t('Checking…'))}</p>`}
</main>
<script nonce="${nonce}">${SCRIPT}</script>
</body>
</html>`;
}

function body(report: CheckReport, buttons: CheckButton[], elevated: boolean, place: string): string {
  const missing = report.items.filter((item) => item.status === 'missing');
  const summary =
    missing.length === 0
      ? vscode.l10n.t('Everything that is needed is here.')
      : vscode.l10n.t('{0} of {1} things that are needed are missing.', missing.length, report.items.length);
  return `<p class="place">${escapeHtml(`${place} · ${report.kernel} · ${report.arch}`)}</p>
<p role="status" class="${missing.length === 0 ? 'ok' : 'missing'}"><strong>${escapeHtml(summary)}</strong></p>
<div class="buttons">
<button data-type="again">${escapeHtml(vscode.l10n.t('Check Again'))}</button>
${elevated ? '' : `<button class="secondary" data-type="askRights">${escapeHtml(vscode.l10n.t('Check With Administrator Rights'))}</button>`}
<button class="secondary" data-type="showLog">${escapeHtml(vscode.l10n.t('Show Log'))}</button>
${buttons.map(copyButton).join('\n')}
</div>
<ul>
${report.items.map(row).join('\n')}
</ul>
${report.attach.length === 0 ? '' : attachTable(report)}`;
}

const STATUS_WORD = (status: CheckItem['status']) =>
  ({
    ok: vscode.l10n.t('works'),
    degraded: vscode.l10n.t('works in part'),
    missing: vscode.l10n.t('missing'),
    unknown: vscode.l10n.t('not known'),
  })[status];

function row({ title, status, detail, fix }: CheckItem): string {
  return `<li class="${status}"><span class="symbol" role="img" aria-label="${escapeHtml(STATUS_WORD(status))}">${SYMBOL[status]}</span>
<div><h2>${escapeHtml(title)}</h2><p>${escapeHtml(detail)}</p>${fix ? `<p class="fix">${escapeHtml(fix)}</p>${fixButton(fix)}` : ''}</div></li>`;
}

/** Advice that names a command in quotes gets a button that copies it. */
function fixButton(fix: string): string {
  const command = /["`]([^"`]+)["`]/.exec(fix)?.[1];
  return command ? copyButton({ label: vscode.l10n.t('Copy "{0}"', command), text: command }) : '';
}

const copyButton = ({ label, text }: CheckButton) =>
  `<button class="secondary" data-type="copy" data-text="${escapeHtml(text)}">${escapeHtml(label)}</button>`;

function attachTable(report: CheckReport): string {
  const rows = report.attach.map(({ what, taken, refused }) => {
    const not = refused.map(({ rung, why }) => `${rung}: ${why}`).join('; ');
    return `<tr><td>${escapeHtml(what)}</td><td>${escapeHtml(taken ?? '–')}</td><td>${escapeHtml(not)}</td></tr>`;
  });
  const head = [vscode.l10n.t('For'), vscode.l10n.t('Used'), vscode.l10n.t('Not available')]
    .map((text) => `<th scope="col">${escapeHtml(text)}</th>`)
    .join('');
  return `<h2>${escapeHtml(vscode.l10n.t('How it attaches here'))}</h2>
<table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table>`;
}

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (char) => ENTITY[char]);

const STYLE = `
body { color: var(--vscode-foreground); font: var(--vscode-font-size) var(--vscode-font-family); padding: 0 2em 2em; }
main { max-width: 60em; margin: 0 auto; }
h1 { font-size: 1.8em; font-weight: 400; margin-bottom: .2em; }
h2 { font-size: 1em; font-weight: 600; margin: 0; }
p { margin: .3em 0; line-height: 1.5; }
.place { color: var(--vscode-descriptionForeground); }
.buttons { display: flex; flex-wrap: wrap; gap: .6em; margin: 1.2em 0; }
button { border: 1px solid var(--vscode-button-border, transparent); border-radius: 2px; padding: .35em .9em; cursor: pointer;
  color: var(--vscode-button-foreground); background: var(--vscode-button-background); font: inherit; }
button:hover { background: var(--vscode-button-hoverBackground); }
button.secondary { color: var(--vscode-button-secondaryForeground); background: var(--vscode-button-secondaryBackground); }
button.secondary:hover { background: var(--vscode-button-secondaryHoverBackground); }
button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
ul { list-style: none; padding: 0; margin: 1em 0; border-top: 1px solid var(--vscode-panel-border); }
li { display: flex; gap: .9em; padding: .8em .2em; border-bottom: 1px solid var(--vscode-panel-border); }
.symbol { flex: 0 0 1.3em; text-align: center; font-weight: 700; }
.ok .symbol, p.ok { color: var(--vscode-testing-iconPassed); }
.degraded .symbol { color: var(--vscode-editorWarning-foreground); }
.missing .symbol, p.missing { color: var(--vscode-editorError-foreground); }
.fix { color: var(--vscode-textLink-foreground); }
table { border-collapse: collapse; margin-top: .6em; }
th, td { text-align: left; padding: .3em 1.5em .3em 0; vertical-align: top; }
th { color: var(--vscode-descriptionForeground); font-weight: 400; }
`;

const SCRIPT = `
const vscode = acquireVsCodeApi();
document.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (button) vscode.postMessage({ type: button.dataset.type, text: button.dataset.text });
});
`;
