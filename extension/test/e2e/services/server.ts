// The service of services.test.ts in TypeScript, compiled with a source map: other lines than in the script that runs, and all types gone.
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';

interface User {
  readonly id: number;
  readonly score: number;
}

type Answer = { status: number; body: unknown };

const rounds: number = 400_000;

/** Keeps the CPU busy: USER_LINE is hot. */
function scoreUser(id: number): User {
  let score = id;
  for (let round = 0; round < rounds; round++) score = (score * 31 + round) % 1_000_003; // USER_LINE
  return { id, score };
}

function answerUser(id: number): Answer {
  return { status: 200, body: scoreUser(id) };
}

/** Asks itself: an outgoing call within an incoming request. */
function answerReport(port: number, id: number, answer: (made: Answer) => void): void {
  get({ port, host: '127.0.0.1', path: `/users/${id}` }, (response: IncomingMessage) => {
    response.resume();
    response.on('end', () => answer({ status: 200, body: { report: id } }));
  });
}

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const [, what = '', id = '0'] = (request.url ?? '/').split('/');
  const answer = ({ status, body }: Answer): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (what === 'users') answer(answerUser(Number(id)));
  else if (what === 'reports') answerReport((server.address() as { port: number }).port, Number(id), answer);
  else answer({ status: 500, body: 'broken' });
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port));
