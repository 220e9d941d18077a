// What tests of HTTP on single connections share: a process whose every call is the test's, traced, and the untraced ends of its
// connections. Called once in a describe block.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpSection } from '../../src/protocol';
import { randomFrom } from '../tools/mutate';
import { conversation, cut, pieces } from './httpConversations';
import { base64, type Command, countsOf, Talker, TracedHttp } from './httpHarness';

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** The untraced end of a connection. */
export class Peer {
  private received = Buffer.alloc(0);
  readonly closed: Promise<void>;

  constructor(readonly socket: Socket) {
    socket.on('data', (data) => {
      this.received = Buffer.concat([this.received, data]);
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async to(port: number | string): Promise<Peer> {
    const socket = typeof port === 'string' ? connect(port.replace('@', '\0')) : connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new Peer(socket);
  }

  say(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, 'latin1', () => resolve()));
  }

  async hears(bytes: number): Promise<string> {
    while (this.received.length < bytes) await new Promise((resolve) => this.socket.once('data', resolve));
    const text = this.received.toString('latin1', 0, bytes);
    this.received = this.received.subarray(bytes);
    return text;
  }
}

export class Talk {
  /** For files of the test. */
  folder = '';
  /** Where the talker listens. */
  port = 0;
  private talker: Talker | null = null;
  private running: TracedHttp | null = null;

  /** `without`: rungs to pass over. TLS is others' subject: its probes would only take time. */
  constructor(private readonly without: readonly string[]) {}

  async begin(): Promise<void> {
    this.folder = mkdtempSync(join(tmpdir(), 'http-'));
    this.talker = await Talker.start();
    this.port = (await this.say('listen', 'l', '127.0.0.1')) as number;
  }

  leave(): void {
    this.running?.end();
    this.running = null;
    this.talker?.end();
    rmSync(this.folder, { recursive: true });
  }

  get pid(): number {
    return this.talker!.pid;
  }

  say(...command: Command): Promise<unknown> {
    return this.talker!.say(...command);
  }

  /** From here on the talker is traced. */
  async trace(): Promise<void> {
    this.running = await TracedHttp.start([this.pid], [...this.without, 'tlsprobes']);
  }

  /** A connection to it, which it accepts under this name. */
  async accepted(name = 'c'): Promise<Peer> {
    const peer = await Peer.to(this.port);
    await this.say('accept', name, 'l');
    return peer;
  }

  /** A request of one `send` and its answer of another. */
  async exchange(peer: Peer, request: string, answer: string, name = 'c'): Promise<void> {
    await peer.say(request);
    await this.say('exactly', name, request.length);
    await this.say('send', name, base64(answer));
    await peer.hears(answer.length);
  }

  get attach() {
    return this.running!.attach;
  }

  section(): HttpSection {
    return this.running!.section();
  }

  counted(): Record<string, number> {
    return countsOf(this.section().routes);
  }

  end(): HttpSection {
    const section = this.running!.end();
    this.running = null;
    return section;
  }
}

export function httpTalk(without: readonly string[] = []): Talk {
  const talk = new Talk(without);
  before(function () {
    if (process.getuid?.() === 0) return;
    console.log('      skipped: needs root');
    this.skip();
  });
  beforeEach(() => talk.begin());
  afterEach(() => talk.leave());
  return talk;
}

/**
 * Has `count` conversations of every framing, in pieces of any size, and returns how often each row must be counted. `sending`: the call
 * by which the talker sends the n-th piece of an answer.
 */
export async function converse(
  talk: Talk,
  seed: number,
  count: number,
  sending: (piece: string, n: number) => Command,
): Promise<Record<string, number>> {
  const random = randomFrom(seed);
  const expected: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const { requests, answers, counted } = conversation(random);
    for (const [row, times] of Object.entries(counted)) expected[row] = (expected[row] ?? 0) + times;
    const peer = await Peer.to(talk.port);
    const said = peer.say(requests);
    const sends = cut(random, answers).map(base64);
    await talk.say('all', '', [
      ['accept', 'c', 'l'],
      ...pieces(random, requests.length).map((size): Command => ['exactly', 'c', size]),
      ...sends.map(sending),
    ]);
    await said;
    await peer.hears(answers.length);
    await talk.say('close', 'c');
    await peer.closed;
  }
  return expected;
}
