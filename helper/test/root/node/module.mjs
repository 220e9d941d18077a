// An ES module, which V8 knows by its file: URL: copied to a path that is encoded there.
const hot = (n) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum * 31 + i) | 0; // hot
  return sum;
};

const work = {
  run(n) {
    return hot(n);
  },
};

const end = Date.now() + 1000 * Number(process.argv[2]);
console.log('ready');
let result = 0;
while (Date.now() < end) result ^= work.run(100_000);
console.log(result);
