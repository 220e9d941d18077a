// Conversations in HTTP/1.1 made at random from a seed, with what is to be counted of each: messages of every framing, with bodies that look
// like heads, in pieces of any size.

export interface Conversation {
  requests: string;
  answers: string;
  /** `GET /a 200`: how often. */
  counted: Record<string, number>;
}

/** 0 <= result < 1. */
type Random = () => number;

const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)];
const upTo = (random: Random, most: number) => Math.floor(random() * (most + 1));

const METHODS = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'PROPFIND', 'PURGE', 'M-SEARCH'];
const PATHS = ['/', '/a', '/users/17', '/users/0123456789abcdef0/x', '/long/'.padEnd(90, 'y'), '/q?x=/y', '/a.b/c-d'];
const SHAPES = ['/', '/a', '/users/:id', '/users/:hash/x', '/long/'.padEnd(90, 'y'), '/q', '/a.b/c-d'];
const STATUSES = [200, 201, 204, 304, 400, 404, 500, 503];
const BODY = 'GET /evil HTTP/1.1\r\nContent-Length: 5\r\n\r\nHTTP/1.1 599 Evil\r\n\r\n0\r\n\r\n';
const NOISE = [
  'Content-Type: text/plain',
  'Connection: keep-alive',
  'Trailer: Content-Length',
  'Content-Lengthy: 99',
  'X-Content-Length: 77',
  'Transfer-Encodings: chunked',
  'transfer: 1',
  'Content-Length-Not: 3',
  'Cookie: Content-Length: 4',
  'T: x',
  'C:',
  `X: ${'z'.repeat(700)}`,
];

/** In any mix of cases. */
const cased = (random: Random, text: string) =>
  [...text].map((letter) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())).join('');

function headers(random: Random, framing: string[]): string {
  const lines = [...framing, ...Array.from({ length: upTo(random, 4) }, () => pick(random, NOISE))];
  lines.sort(() => random() - 0.5);
  // A line's end may lack its return, and a value may go on in the next line.
  return lines
    .map(
      (line) =>
        `${line}${random() < 0.1 && line.startsWith('X:') ? '\r\n folded: 1' : ''}${random() < 0.1 ? '\n' : '\r\n'}`,
    )
    .join('');
}

function body(random: Random): string {
  return BODY.repeat(upTo(random, 30)).slice(upTo(random, 20));
}

/** `[headers, body]` of a message with a body. */
function framed(random: Random): [string[], string] {
  const content = body(random);
  const space = pick(random, ['', ' ', '\t ', '  ']);
  if (random() < 0.5)
    return [[`${cased(random, 'Content-Length')}:${space}${content.length}${pick(random, ['', ' '])}`], content];
  const chunks: string[] = [];
  for (let at = 0; at < content.length; ) {
    const piece = content.slice(at, at + 1 + upTo(random, 200));
    chunks.push(
      `${piece.length.toString(16).padStart(1 + upTo(random, 3), '0')}${pick(random, ['', ';x=1', ' '])}\r\n${piece}\r\n`,
    );
    at += piece.length;
  }
  const trailer = random() < 0.3 ? 'Content-Length: 9\r\nTransfer-Encoding: chunked\r\n' : '';
  return [
    [`${cased(random, 'Transfer-Encoding')}:${space}${pick(random, ['', 'gzip, '])}${cased(random, 'chunked')}`],
    `${chunks.join('')}0\r\n${trailer}\r\n`,
  ];
}

export function conversation(random: Random): Conversation {
  const result: Conversation = { requests: '', answers: '', counted: {} };
  for (let left = 1 + upTo(random, 7); left > 0; left--) {
    const method = pick(random, METHODS);
    const which = upTo(random, PATHS.length - 1);
    const [requestFraming, requestBody] = random() < 0.5 ? framed(random) : [[], ''];
    result.requests += `${method} ${PATHS[which]} HTTP/1.1\r\n${headers(random, requestFraming)}\r\n${requestBody}`;
    for (let interim = upTo(random, 4) - 2; interim > 0; interim--)
      result.answers += `HTTP/1.1 ${pick(random, [100, 102, 103])} Later\r\n${headers(random, [])}\r\n`;
    const status = pick(random, STATUSES);
    const hasBody = method !== 'HEAD' && status !== 204 && status !== 304;
    const [answerFraming, answerBody] = framed(random);
    result.answers += `HTTP/1.1 ${status}${pick(random, [' OK', ' ', ''])}\r\n${headers(random, answerFraming)}\r\n${hasBody ? answerBody : ''}`;
    const row = `${method} ${SHAPES[which]} ${status}`;
    result.counted[row] = (result.counted[row] ?? 0) + 1;
  }
  return result;
}

/** Sizes of pieces that make up `total`, most of them small. */
export function pieces(random: Random, total: number): number[] {
  const found: number[] = [];
  for (let left = total; left > 0; ) {
    const most = pick(random, [1, 3, 20, 200, 5_000]);
    const size = Math.min(left, 1 + upTo(random, most));
    found.push(size);
    left -= size;
  }
  return found;
}

/** The text in such pieces. */
export function cut(random: Random, text: string): string[] {
  let at = 0;
  return pieces(random, text.length).map((size) => {
    at += size;
    return text.slice(at - size, at);
  });
}
