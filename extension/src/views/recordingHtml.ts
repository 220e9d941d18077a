// The page of the recording editor: webview/src/index.html (copied to dist/webview) with its placeholders filled.
// Pure; the placeholders are documented in webview/README.md.

export interface PageValues {
  lang: string;
  cspSource: string;
  /** Webview URI of dist/webview, without a slash at its end. */
  assets: string;
  /** Translations for the page, by English text. */
  l10n: unknown;
}

export function fillRecordingPage(template: string, values: PageValues): string {
  const texts: Record<string, string> = {
    lang: values.lang,
    cspSource: values.cspSource,
    assets: values.assets,
    l10n: JSON.stringify(values.l10n),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) =>
    texts[name] === undefined ? whole : escapeAttribute(texts[name]),
  );
}

const ENTITY: Record<string, string> = { '&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;' };

/** Quotes of a CSP source (`'self' https://…`) stay: they are syntax there and safe inside double quotes. */
const escapeAttribute = (text: string) => text.replace(/[&"<>]/g, (char) => ENTITY[char]);
