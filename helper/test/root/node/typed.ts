// Compiled with a source map by node.test.ts: other lines than in the compiled script, and all types gone.
interface Order {
  readonly price: number;
  readonly count: number;
}

type Sum = (orders: readonly Order[]) => number;

class Basket {
  constructor(private readonly orders: readonly Order[]) {}

  total(): number {
    return sumOf(this.orders);
  }
}

const sumOf: Sum = (orders) => {
  let sum = 0;
  for (let round = 0; round < 20_000; round++)
    for (const { price, count } of orders) sum = (sum * 31 + price * count) | 0; // hot
  return sum;
};

const basket = new Basket(Array.from({ length: 20 }, (_, i): Order => ({ price: i, count: i + 1 })));
const until: number = Date.now() + 1000 * Number(process.argv[2]);
console.log('ready');
let result = 0;
while (Date.now() < until) result ^= basket.total();
console.log(result);
