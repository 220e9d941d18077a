// The MCP server, by the official SDK's own client: what it offers, what it answers, what it refuses, and that it records only what the
// user has confirmed.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { convert } from '../../src/export/formats';
import { madeRecording } from '../unit/fakes/programs';
import { CLI_JS, workload } from './cli';

type Elicit = 'accept' | 'refuse' | 'cannot';

describe('the MCP server', function () {
  this.timeout(120_000);
  let folder: string;
  const asked: string[] = [];
  const open: Client[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ebpf-tracer-mcp-'));
    const source = join(folder, 'orders.c');
    writeFileSync(source, Array.from({ length: 30 }, (_, i) => `int line_${i + 1};`).join('\n'));
    const secret = join(tmpdir(), `ebpf-tracer-mcp-secret-${process.pid}.c`);
    writeFileSync(secret, 'the secret');
    symlinkSync(secret, join(folder, 'link.c'));
    const write = async (name: string, parse: number) => {
      const file = madeRecording([
        [
          [
            { name: 'main', file: source, line: 20, start: 18 },
            { name: 'parse', file: source, line: 12, start: 10 },
          ],
          parse,
        ],
        [
          [
            { name: 'main', file: source, line: 21, start: 18 },
            { name: 'stolen', file: '/etc/passwd', line: 1, start: 1 },
          ],
          100,
        ],
        [
          [
            { name: 'main', file: source, line: 21, start: 18 },
            { name: 'linked', file: join(folder, 'link.c'), line: 1, start: 1 },
          ],
          50,
        ],
      ]);
      const extra = file.ebpfTracer!;
      extra.command = '/src/orders --token=hunter2';
      extra.title = 'orders --token=hunter2';
      writeFileSync(
        join(folder, `${name}.speedscope.json`),
        [...(await convert(file, 'speedscope'))].map(String).join(''),
      );
    };
    await write('old', 300);
    await write('new', 900);
  });
  afterEach(async () => {
    for (const client of open.splice(0)) await client.close();
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(join(tmpdir(), `ebpf-tracer-mcp-secret-${process.pid}.c`), { force: true });
  });

  async function connect(elicit: Elicit = 'cannot', ...args: string[]): Promise<Client> {
    const client = new Client(
      { name: 'test', version: '1' },
      { capabilities: elicit === 'cannot' ? {} : { elicitation: {} } },
    );
    if (elicit !== 'cannot')
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        asked.push(params.message);
        return elicit === 'accept' ? { action: 'accept', content: { record: true } } : { action: 'decline' };
      });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [CLI_JS, 'mcp', '--folder', folder, ...args],
        cwd: folder,
        stderr: 'inherit',
      }),
    );
    open.push(client);
    return client;
  }
  async function call(client: Client, name: string, args: Record<string, unknown> = {}) {
    const result = await client.callTool({ name, arguments: args }, undefined, { timeout: 60_000 });
    const [content] = result.content as { type: string; text: string }[];
    return { text: content.text, isError: result.isError === true };
  }

  it('offers tools that only read, and one that records', async () => {
    const { tools } = await (await connect()).listTools();
    assert.deepEqual(
      tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
      [
        ['list_recordings', true],
        ['report_recording', true],
        ['hot_code', true],
        ['compare_recordings', true],
        ['record_program', false],
      ],
    );
  });

  it('answers with the report, the source of hot lines below its folders alone, and what changed', async () => {
    const client = await connect();
    const list = await call(client, 'list_recordings');
    assert.match(list.text, /new\.speedscope\.json/);
    const report = await call(client, 'report_recording', { recording: 'new.speedscope.json' });
    assert.match(report.text, /\*\*`parse` \(orders\.c:10\) answers for 85\.7 %/);
    const code = await call(client, 'hot_code', { recording: join(folder, 'new.speedscope.json') });
    assert.match(code.text, /> 12 {2}int line_12;/);
    assert.match(code.text, /`stolen`/);
    assert.doesNotMatch(code.text, /root:|the secret/);
    const changes = await call(client, 'compare_recordings', {
      a: ['old.speedscope.json'],
      b: ['new.speedscope.json'],
    });
    assert.match(changes.text, /\+28\.6 % +\[\+\d.* parse/);
    for (const { text } of [report, code, changes]) assert.doesNotMatch(text, /hunter2/);
    const shown = await connect('cannot', '--redact', 'none');
    assert.match((await call(shown, 'report_recording', { recording: 'new.speedscope.json' })).text, /hunter2/);
    const hidden = await connect('cannot', '--redact', 'arguments,paths');
    const report2 = await call(hidden, 'report_recording', { recording: 'new.speedscope.json' });
    assert.match(report2.text, /…\/passwd:1/);
    assert.doesNotMatch(report2.text, /\/etc\/|hunter2/);
  });

  it('says what is wrong in a sentence', async () => {
    const client = await connect();
    const missing = await call(client, 'report_recording', { recording: 'nothing.json' });
    assert.ok(missing.isError && /^NOT_A_RECORDING: .*there is no such file/.test(missing.text), missing.text);
    assert.ok((await call(client, 'report_recording', {})).isError);
    assert.ok((await call(client, 'no_such_tool', {})).isError);
  });

  it('records nothing that nobody has confirmed', async () => {
    const command = { command: ['/bin/true', 'a b'], seconds: 1 };
    const cannot = await call(await connect('cannot'), 'record_program', command);
    assert.match(cannot.text, /^RECORD_UNCONFIRMED: Nothing was recorded: this client cannot ask the user/);
    const refused = await call(await connect('refuse'), 'record_program', command);
    assert.match(refused.text, /^RECORD_UNCONFIRMED: .*the user did not confirm it/);
    assert.match(asked.at(-1) ?? '', /^Run and record for 1 s, in .*: \/bin\/true "a b"$/);
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('true-')).length, 0);
    const both = await call(await connect('accept'), 'record_program', { ...command, pid: 1 });
    assert.match(both.text, /not both/);
  });

  it('records what was confirmed, and without asking where the server was started so', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      return this.skip();
    }
    const command = { command: [workload('hot-c'), '30'], seconds: 1 };
    for (const client of [await connect('accept'), await connect('cannot', '--allow-record')]) {
      const { text, isError } = await call(client, 'record_program', command);
      assert.ok(!isError, text);
      assert.match(text, /^Recording: .*hot-c-.*\.speedscope\.json\n\n# hot-c\n/);
      assert.match(text, /`work_sixty`/);
    }
    assert.match(asked.at(-1) ?? '', /hot-c 30$/);
  });
});
