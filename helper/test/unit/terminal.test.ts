// What others chose reaches no terminal, label or log raw: the characters that are spelled out, the one writer, and that there is
// no other way to write.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../../src/cli/list';
import { textReport } from '../../src/cli/report';
import { textLines } from '../../src/cli/symbolize';
import { foldedText } from '../../src/export/folded';
import { type RecordingFile, type RecordSummary, visibleJson, visibleLines, visibleText } from '../../src/protocol';
import { CPU } from '../../src/stack/sources/cpu';
import { nowhere } from '../../src/symbolize/place';
import { Terminal } from '../../src/terminal/terminal';

const ROOT = [join(__dirname, '../../..'), join(__dirname, '../../../../..')].find((path) =>
  existsSync(join(path, 'CONTRIBUTING.md')),
)!;

/** One of each kind: CSI in 7 and 8 bits, OSC with BEL, DEL, NEL, bidi override and isolate, separators, BOM, tag, half a pair. */
const HOSTILE = 'a\x1b[2J\x9b31m\x1b]0;t\x07\x7f\x85\r\n\t\0\u202e\u2066\u200f\u2028\u2029\ufeff\u{e0041}\ud800z';
const NEVER =
  /[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]|\p{Cs}/u;

function written(tty: boolean): { terminal: Terminal; text: () => string } {
  const pieces: string[] = [];
  const write = (piece: string) => pieces.push(String(piece)) > 0;
  const stream = { write, isTTY: tty, columns: 40 } as never;
  return { terminal: new Terminal(stream), text: () => pieces.join('') };
}

describe('text of others', () => {
  it('is spelled out, and what is visible stays as it is', () => {
    assert.equal(
      visibleText(HOSTILE),
      'a\\x1b[2J\\x9b31m\\x1b]0;t\\x07\\x7f\\x85\\r\\n\\t\\x00\\u202e\\u2066\\u200f\\u2028\\u2029\\ufeff\\u{e0041}\\ud800z',
    );
    for (const plain of ['std::vector<int>::at(size_t) [clone .cold]', 'größe 日本語 👩‍👩‍👧 🇩🇪 é', 'App\\Foo\\bar', ''])
      assert.equal(visibleText(plain), plain);
    assert.equal(visibleLines('one\ntwo\r'), 'one\ntwo\\r');
    // Each code unit there is: what is left is what a reader sees.
    for (let code = 0; code <= 0xffff; code++) {
      const shown = visibleText(String.fromCharCode(code));
      assert.doesNotMatch(shown, NEVER, code.toString(16));
      assert.ok(shown.length > 0 && !shown.includes('\n'));
    }
  });

  it('means the same as JSON, and is all of it visible', () => {
    const value = { [HOSTILE]: [HOSTILE, 'plain', 1], nested: { text: 'größe' } };
    for (const indent of [0, 2]) {
      const text = visibleJson(JSON.stringify(value, null, indent));
      assert.doesNotMatch(text, NEVER);
      assert.deepEqual(JSON.parse(text), value);
    }
  });

  it('stays one line of the terminal each, in status lines and JSON too', async () => {
    const { terminal, text } = written(true);
    await terminal.lines([HOSTILE, 'next']);
    await terminal.json({ name: HOSTILE });
    await terminal.jsonPart(`[${JSON.stringify(HOSTILE)}`);
    assert.equal(text().split('\n').length, 4);
    assert.doesNotMatch(text(), NEVER);
    const bar = written(true);
    bar.terminal.status(HOSTILE.repeat(9));
    assert.ok(bar.text().startsWith('\r\x1b[2K'));
    assert.doesNotMatch(bar.text().slice('\r\x1b[2K'.length), NEVER);
    assert.ok(bar.text().length < 50, 'cut to the width of the terminal');
    assert.throws(() => void bar.terminal.bytes(Buffer.from('\x1b')), /not for a terminal/);
    const pipe = written(false);
    pipe.terminal.status('nothing');
    assert.equal(pipe.text(), '');
  });

  it('waits for a reader that is behind, and ends with one that went', async () => {
    let drain = () => {};
    const stream = {
      write: () => false,
      once: (_: string, drained: () => void) => {
        drain = drained;
      },
    };
    const terminal = new Terminal(stream as never);
    let done = false;
    const writing = terminal.lines(['x']).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(done, false);
    drain();
    await writing;
  });

  it('is part of reports, lists and folded stacks in that form, so that columns keep their width', () => {
    const row = { name: HOSTILE, file: `/src/${HOSTILE}`, line: 7, self: 1, total: 1 };
    const summary = {
      samples: 9,
      lost: 0,
      wholeStacks: 9,
      truncated: {},
      frames: 9,
      symbolizedFrames: 9,
      durationMs: 1,
      output: '/x',
      top: [row, { ...row, name: 'plain' }],
    } as unknown as RecordSummary;
    const report = textReport(summary, {
      title: 'p',
      tracers: [{ tracer: CPU, options: { frequencyHz: 99, kernel: true } }],
      commandEnd: null,
      folder: '/',
    });
    const rows = report.filter((line) => line.includes('src/'));
    assert.equal(rows.length, 2);
    assert.equal(rows[0].indexOf('src/'), rows[1].indexOf('src/'));
    for (const line of rows) assert.doesNotMatch(line, NEVER);
    const process = {
      pid: 1,
      ppid: 0,
      user: HOSTILE,
      runtime: 'go',
      name: HOSTILE,
      command: HOSTILE,
      container: HOSTILE,
    };
    for (const line of table([{ ...process, listeningPorts: [] } as never], undefined))
      assert.doesNotMatch(line, NEVER);
    const file = {
      shared: { frames: [{ name: HOSTILE }] },
      profiles: [{ type: 'sampled', name: HOSTILE, unit: 'none', samples: [[0]], weights: [1] }],
    } as unknown as RecordingFile;
    for (const line of foldedText(file)) assert.doesNotMatch(line, NEVER);
    assert.equal(textLines([nowhere(1)]).length, 3);
  });

  it('has one way to a terminal, to messages and to the log: no other file writes there', () => {
    const allowed: Record<string, RegExp> = {
      'helper/src/terminal/terminal.ts': /process\.std(out|err)/,
      'extension/src/notices.ts': /show\w+Message/,
      'extension/src/log.ts': /createOutputChannel/,
    };
    const ways =
      /process\s*\.\s*std(out|err)|process\s*\[|\bconsole\s*[.[]|\b(write|writeSync|createWriteStream|appendFile\w*|writeFile\w*)\(\s*['"`]?([12]\b|\/dev\/(tty|std|fd|pts))|show(Information|Warning|Error)Message|createOutputChannel|\bdebuglog\b|emitWarning/;
    const sources = ['helper/src', 'extension/src', 'webview/src'].flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true })
        .map((name) => join(folder, String(name)))
        .filter((name) => name.endsWith('.ts')),
    );
    assert.ok(sources.length > 200);
    const wrong: string[] = [];
    for (const name of sources) {
      const lines = readFileSync(join(ROOT, name), 'utf8').split('\n');
      for (const [i, line] of lines.entries())
        if (!/^\s*(\/\/|\*|\/\*)/.test(line) && ways.test(line) && !allowed[name]?.test(line))
          wrong.push(`${name}:${i + 1}: ${line.trim()}`);
    }
    assert.deepEqual(wrong, []);
    for (const way of ['process.stdout.write(x)', 'console.log(x)', "writeFileSync('/dev/tty', x)", 'writeSync(2, x)'])
      assert.match(way, ways);
  });
});
