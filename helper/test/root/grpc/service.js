// A gRPC service of every kind of method, by grpc-js. `node service.js FOLDER`: prints its port. Messages are bytes as they are.
const { createRequire } = require('node:module');
const grpc = createRequire(`${process.argv[2]}/`)('@grpc/grpc-js');

const bytes = {
  requestSerialize: (b) => b,
  requestDeserialize: (b) => b,
  responseSerialize: (b) => b,
  responseDeserialize: (b) => b,
};
const method = (name, requestStream, responseStream) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  ...bytes,
});
const service = {
  Unary: method('Unary', false, false),
  Fail: method('Fail', false, false),
  Slow: method('Slow', false, false),
  Upload: method('Upload', true, false),
  Download: method('Download', false, true),
  Chat: method('Chat', true, true),
};
module.exports = { grpc, service };

if (require.main === module) {
  const server = new grpc.Server();
  server.addService(service, {
    Unary: (call, done) => done(null, call.request),
    // Before any message: trailers alone.
    Fail: (call, done) => done({ code: call.request[0], details: 'as it was asked' }),
    Slow: () => {},
    Upload: (call, done) => {
      let total = 0;
      call.on('data', (message) => {
        total += message.length;
      });
      call.on('end', () => done(null, Buffer.from(String(total))));
    },
    Download: (call) => {
      for (let i = 0; i < call.request[0]; i++) call.write(Buffer.alloc(20_000, i));
      call.end();
    },
    Chat: (call) => {
      call.on('data', (message) => call.write(message));
      call.on('end', () => call.end());
    },
  });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (_, port) => console.log(port));
}
