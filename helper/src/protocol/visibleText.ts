// Text that others chose (names of functions, threads, processes and files, what other programs said) shown as what it is: a
// terminal obeys control characters, and an editor's label turns round what stands between bidirectional overrides. So both
// sides write it with each such character spelled out. Called wherever such text becomes part of what a person reads.

/**
 * C0, DEL and C1 (ECMA-48); soft hyphens and marks, overrides and isolates that change the direction of text (Unicode's
 * Bidi_Control; CVE-2021-42574); line and paragraph separators; byte order marks, interlinear annotations and tags, which
 * nobody sees; halves of surrogate pairs, as bytes that were no UTF-8 may leave them.
 */
const HIDDEN =
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Cs}/gu;

const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line without anything that a reader would not see or a terminal would obey: `\x1b`, `\n`, `\u202e`. What is visible stays. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, spelledOut);
}

/** The same for text of several lines that is our own: line breaks stay. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visibleText).join('\n');
}

/** JSON that means the same and holds no such character as itself. `text`: what JSON.stringify gave. */
export function visibleJson(text: string): string {
  // Line breaks stand between the values only: within strings they are escaped already.
  return text.replace(HIDDEN, (hidden) => (SHORT[hidden] ? hidden : inJson(hidden)));
}

function spelledOut(hidden: string): string {
  const code = hidden.codePointAt(0)!;
  if (SHORT[hidden]) return SHORT[hidden];
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

function inJson(hidden: string): string {
  let text = '';
  for (let i = 0; i < hidden.length; i++) text += `\\u${hidden.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
