// How much memory a JSON text would take once it is parsed, found before it is: half a gigabyte of "[[],[],…" becomes ten, and
// whoever parses it dies of it without a word. Also how deep it is nested, which what walks it later must survive.

/** Bytes of V8's heap (64 bits, without compressed pointers) for a value in a list, a list or object, and a text. */
const SLOT_BYTES = 16;
const OBJECT_BYTES = 64;
/** A new key may cost a hidden class. */
const TEXT_BYTES = 64;

/** Fits beside the text itself into the heap that Node takes by default where there are 4 GB of memory. */
export const MAX_PARSED_BYTES = 2 ** 30;
/** Ours nest 8 deep. */
export const MAX_JSON_DEPTH = 256;

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** What is wrong with it, continuing "X is not a recording: "; null: it can be parsed. The text need not be JSON. */
export function whyNotParsed(text: string, maxBytes = MAX_PARSED_BYTES): string | null {
  let bytes = 0;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case QUOTE:
        i = endOfText(text, i);
        bytes += TEXT_BYTES;
        break;
      case COMMA:
        bytes += SLOT_BYTES;
        break;
      case OPEN_LIST:
      case OPEN_OBJECT:
        bytes += OBJECT_BYTES;
        if (++depth > MAX_JSON_DEPTH) return 'it is nested too deeply';
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth--;
        break;
    }
    if (bytes > maxBytes) return 'it holds more values than can be read at once';
  }
  return null;
}

/** Index of the quote that ends the text that begins at `start`; the end where none does. */
function endOfText(text: string, start: number): number {
  let end = start;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}
