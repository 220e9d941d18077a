// Names that traced programs chose in what the window shows: the log.
import assert from 'node:assert/strict';
import { spellOut } from '../../src/logText';

const HOSTILE = 'a\x1b[2J\u202eb\n2026-01-01 [error] forged';

describe("hostile names in the window's log", () => {
  it('are spelled out, and forge no line', () => {
    const written: string[] = [];
    class Channel {
      readonly name = 'log';
      private shown = 0;
      info(text: string): void {
        written.push(text);
      }
      error(text: string | Error): void {
        written.push(String(text));
      }
      show(): number {
        return ++this.shown;
      }
    }
    const log = spellOut(new Channel());
    log.info(HOSTILE);
    log.error(new Error(HOSTILE));
    assert.equal(written[0], 'a\\x1b[2J\\u202eb\n    2026-01-01 [error] forged');
    assert.match(written[1], /^Error: a\\x1b\[2J\\u202eb\n {4}2026/);
    assert.equal(log.name, 'log');
    assert.deepEqual([log.show(), log.show()], [1, 2], 'what else it does, it does itself');
  });
});
