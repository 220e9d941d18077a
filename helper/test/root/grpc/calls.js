// Calls service.js as grpc-js does. `node calls.js FOLDER PORT`: waits for a line on standard input, prints what each call ended with:
// `{"/test.Echo/Unary": {"0": 40}}`, and how many messages of how many bytes it sent and received of each method.
const { grpc, service } = require('./service.js');

const client = new (grpc.makeGenericClientConstructor(service, 'Echo'))(
  `127.0.0.1:${process.argv[3]}`,
  grpc.credentials.createInsecure(),
);
const codes = {};
const messages = {};

function ended(name, code) {
  const path = `/test.Echo/${name}`;
  codes[path] ??= {};
  codes[path][code] = (codes[path][code] ?? 0) + 1;
}

function note(name, direction, message) {
  const path = `/test.Echo/${name}`;
  messages[path] ??= { in: 0, out: 0, bytesIn: 0, bytesOut: 0 };
  messages[path][direction]++;
  messages[path][direction === 'in' ? 'bytesIn' : 'bytesOut'] += message.length;
}

const options = (deadlineMs) => (deadlineMs ? { deadline: Date.now() + deadlineMs } : {});

const unary = (name, message, deadlineMs, cancelMs) =>
  new Promise((resolve) => {
    note(name, 'out', message);
    const call = client[name](message, options(deadlineMs), (error, answer) => {
      if (answer) note(name, 'in', answer);
      ended(name, error ? error.code : 0);
      resolve();
    });
    if (cancelMs) setTimeout(() => call.cancel(), cancelMs);
  });

const upload = (sizes) =>
  new Promise((resolve) => {
    const call = client.Upload((error, answer) => {
      if (answer) note('Upload', 'in', answer);
      ended('Upload', error ? error.code : 0);
      resolve();
    });
    for (const size of sizes) {
      const message = Buffer.alloc(size, 7);
      note('Upload', 'out', message);
      call.write(message);
    }
    call.end();
  });

const streamed = (name, call) =>
  new Promise((resolve) => {
    call.on('data', (message) => note(name, 'in', message));
    call.on('error', () => {});
    call.on('status', ({ code }) => {
      ended(name, code);
      resolve();
    });
  });

function download(count) {
  const message = Buffer.from([count]);
  note('Download', 'out', message);
  return streamed('Download', client.Download(message));
}

function chat(sizes) {
  const call = client.Chat();
  const done = streamed('Chat', call);
  for (const size of sizes) {
    const message = Buffer.alloc(size, 9);
    note('Chat', 'out', message);
    call.write(message);
  }
  call.end();
  return done;
}

async function run() {
  await Promise.all(Array.from({ length: 40 }, (_, i) => unary('Unary', Buffer.alloc(i * 50, 1))));
  for (const code of [1, 2, 3, 5, 7, 13, 14, 16]) await unary('Fail', Buffer.from([code]));
  await Promise.all([upload([1, 0, 70_000, 300]), upload(Array(100).fill(10)), upload([])]);
  await Promise.all([download(0), download(7), download(30)]);
  await Promise.all([chat([5, 5, 5]), chat([100_000]), chat([])]);
  await Promise.all([
    unary('Slow', Buffer.from('a'), 400),
    unary('Slow', Buffer.from('bb'), 30_000, 150),
    unary('Slow', Buffer.from('ccc'), 0, 150),
  ]);
  console.log(JSON.stringify({ codes, messages }));
  client.close();
}

console.log('ready');
process.stdin.once('data', run);
process.stdin.once('end', () => process.exit(0));
