// The one writer to standard output and standard error. What is printed holds names, paths and messages that traced programs
// chose; whoever had another way to the terminal would let them clear it, forge lines or answer for the user. So there is no way
// to write text but as lines, in which every control character is spelled out, and JSON, in which it is escaped.

import { visibleJson, visibleText } from '../protocol';

export type Stream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

/** Returns to the line's begin and empties it (ECMA-48: CR, EL 2). */
const CLEAR_LINE = '\r\x1b[2K';
/** Empties all from here on (ECMA-48: ED 0). */
const CLEAR_BELOW = '\x1b[0J';
const DEFAULT_COLUMNS = 80;
const LEAST_COLUMNS = 20;

export class Terminal {
  constructor(private readonly stream: Stream & Partial<Pick<NodeJS.WriteStream, 'once' | 'on'>>) {}

  get isTTY(): boolean {
    return this.stream.isTTY === true;
  }

  /** Of the terminal; undefined where the text goes elsewhere. */
  get columns(): number | undefined {
    return this.isTTY ? this.stream.columns : undefined;
  }

  /** Each a line of its own, whatever is in it. Resolves when the reader kept up. */
  lines(lines: string[]): Promise<void> {
    return this.write(lines.map((line) => `${visibleText(line)}\n`).join(''));
  }

  /** A value on one line. `written` is called when it left this process. */
  json(value: unknown, written?: () => void): Promise<void> {
    return this.write(`${visibleJson(JSON.stringify(value))}\n`, written);
  }

  /** A part of a JSON text that is too large to be made at once. */
  jsonPart(text: string): Promise<void> {
    return this.write(visibleJson(text));
  }

  /** Bytes of a file format, where no terminal would show them. */
  bytes(bytes: Uint8Array): Promise<void> {
    if (this.isTTY) throw new Error('these bytes are not for a terminal');
    return this.write(bytes);
  }

  /** A line that the next one replaces; nothing where this is no terminal. null: only empties the line. */
  status(text: string | null): void {
    if (!this.isTTY) return;
    const width = Math.max(LEAST_COLUMNS, (this.stream.columns || DEFAULT_COLUMNS) - 1);
    this.stream.write(`${CLEAR_LINE}${text === null ? '' : visibleText(text).slice(0, width)}`);
  }

  /** Lines in the place of the `before` lines that were drawn last; nothing where this is no terminal. Returns how many there are. */
  redraw(lines: readonly string[], before: number): number {
    if (!this.isTTY) return 0;
    const width = Math.max(LEAST_COLUMNS, (this.stream.columns || DEFAULT_COLUMNS) - 1);
    const up = before > 0 ? `\x1b[${before}A` : '';
    const text = lines.map((line) => `${visibleText(line).slice(0, width)}\n`).join('');
    this.stream.write(`\r${up}${CLEAR_BELOW}${text}`);
    return lines.length;
  }

  /** Called when the reader went away (`… | head`), or cannot be written to. */
  onGone(gone: () => void): void {
    this.stream.on?.('error', gone);
  }

  /** Resolves when all that was written before has left this process. */
  flushed(): Promise<void> {
    return new Promise((resolve) => void this.stream.write('', () => resolve()));
  }

  private async write(data: string | Uint8Array, written?: () => void): Promise<void> {
    if (this.stream.write(data, written)) return;
    await new Promise<void>((resolve) => (this.stream.once ? this.stream.once('drain', resolve) : resolve()));
  }
}

/** Results. */
export const output = new Terminal(process.stdout);
/** Everything that is said besides. */
export const messages = new Terminal(process.stderr);
