// The Huffman code of HPACK (RFC 7541, 5.2 and appendix B). It is canonical, so the lengths of its codes say all of it. Decoded four
// bits at a time: from each node of the code's tree a table says where these lead, and which symbol they complete (one at the most, as
// no code is shorter than five bits).

/** By symbol; the last is EOS. */
// biome-ignore format: a table
const CODE_LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;
const NO_SYMBOL = 0xffff;
const NO_NODE = 0xffff;
/** What may follow the last symbol: less than a byte of EOS's code, whose bits are all ones. */
const PADDING_BITS_MOST = 7;

/** Child of a node: a node from 0 on, a symbol as -1 - symbol. */
type Tree = [number, number][];

function makeTree(): Tree {
  const symbols = CODE_LENGTHS.map((length, symbol) => ({ length, symbol }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  const tree: Tree = [[NO_NODE, NO_NODE]];
  let code = 0;
  let before = symbols[0].length;
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - before);
    before = length;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = (code >>> bit) & 1;
      if (tree[node][side] === NO_NODE) {
        tree.push([NO_NODE, NO_NODE]);
        tree[node][side] = tree.length - 1;
      }
      node = tree[node][side];
    }
    tree[node][code & 1] = -1 - symbol;
    code++;
  }
  return tree;
}

/** By node * 16 + four bits. */
const next = new Uint16Array(256 * 16);
const symbols = new Uint16Array(256 * 16).fill(NO_SYMBOL);
/** Nodes at which a string may end. */
const mayEnd = new Uint8Array(256);

function makeTables(): void {
  const tree = makeTree();
  for (let node = 0; node < tree.length; node++)
    for (let bits = 0; bits < 16; bits++) {
      let at = node;
      for (let bit = 3; bit >= 0 && at !== NO_NODE; bit--) {
        at = tree[at][(bits >>> bit) & 1];
        if (at >= 0) continue;
        const symbol = -1 - at;
        if (symbol === EOS) at = NO_NODE;
        else {
          symbols[node * 16 + bits] = symbol;
          at = 0;
        }
      }
      next[node * 16 + bits] = at;
    }
  for (let node = 0, depth = 0; depth <= PADDING_BITS_MOST; depth++) {
    mayEnd[node] = 1;
    node = tree[node][1];
  }
}
makeTables();

/** At most this many symbols are in so many bytes. */
export const decodedMost = (bytes: number): number => Math.floor((bytes * 8) / 5);

/** Into `out`, which has room; how many bytes that are. -1: it is not a string in this code. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let node = 0;
  let length = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    const high = node * 16 + (byte >>> 4);
    if (symbols[high] !== NO_SYMBOL) out[length++] = symbols[high];
    node = next[high];
    if (node === NO_NODE) return -1;
    const low = node * 16 + (byte & 15);
    if (symbols[low] !== NO_SYMBOL) out[length++] = symbols[low];
    node = next[low];
    if (node === NO_NODE) return -1;
  }
  return mayEnd[node] ? length : -1;
}
