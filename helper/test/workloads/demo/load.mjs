// Asks the demo's web services for all of their routes again and again, some requests at a time, for as many seconds as the first
// argument says. The others are ports on loopback.

import { Agent, get } from 'node:http';

const AT_A_TIME = 4;
const ROUTES = ['/totals', '/search', '/report'];
const [seconds, ...ports] = process.argv.slice(2).map(Number);
const end = Date.now() + 1_000 * seconds;
const agent = new Agent({ keepAlive: true });

const ask = (port, path) =>
  new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => response.resume().on('end', resolve)).on(
      'error',
      resolve,
    );
  });

async function askAllTheTime(port) {
  for (let i = 0; Date.now() < end; i++) await ask(port, ROUTES[i % ROUTES.length]);
}

await Promise.all(ports.flatMap((port) => Array.from({ length: AT_A_TIME }, () => askAllTheTime(port))));
process.exit(0);
