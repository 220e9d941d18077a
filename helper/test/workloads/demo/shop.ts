// The web service in TypeScript that `make demo` records: three routes over some orders, each with work of its own. Says
// `ready PORT` when it listens on loopback, ends after as many seconds as its argument says.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly prices: readonly number[];
}

const orders: readonly Order[] = Array.from({ length: 400 }, (_, id) => ({
  id,
  customer: `customer ${(id * 7_919) % 97}`,
  prices: Array.from({ length: 40 }, (_, i) => ((id + 1) * (i + 3)) % 1_000),
}));

class Invoice {
  constructor(private readonly order: Order) {}

  total(): number {
    let sum = 0;
    for (let round = 0; round < 8; round++)
      for (const price of this.order.prices) sum = (sum * 31 + discounted(price)) % 1_000_003;
    return sum;
  }
}

function discounted(price: number): number {
  return price > 500 ? Math.floor((price * 9) / 10) : price;
}

function totals(): number[] {
  return orders.map((order) => new Invoice(order).total());
}

function search(text: string): Order[] {
  return orders.filter(({ customer }) => customer.toUpperCase().split(' ').includes(text));
}

function report(): string {
  const byCustomer = new Map<string, number[]>();
  for (const { customer, prices } of orders)
    byCustomer.set(
      customer,
      [...(byCustomer.get(customer) ?? []), ...prices].sort((a, b) => a - b),
    );
  return JSON.stringify([...byCustomer]);
}

const routes: Partial<Record<string, () => string>> = {
  '/totals': () => String(totals().length),
  '/search': () => JSON.stringify(search('42')),
  '/report': report,
};

const server = createServer(({ url }, response) => {
  const answer = routes[url ?? ''];
  response.statusCode = answer ? 200 : 404;
  response.end(answer?.() ?? '');
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${(server.address() as AddressInfo).port}`));
setTimeout(() => process.exit(0), 1_000 * Number(process.argv[2] ?? 600));
