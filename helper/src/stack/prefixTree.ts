// Stacks that share their outer frames share storage: a tree whose nodes are (parent, item), outermost item first. Used
// twice by a StackIndex: once with locations (exact line counts) and once with functions (what the file shows). Typed
// arrays with an open-addressing index: 18 bytes a node, so a million nodes stay near 20 MB.

export const NO_NODE = -1;

const FIRST_CAPACITY = 1024;

export class PrefixTree {
  /** Parent of each node, NO_NODE for outermost ones; always smaller than the node's own index. */
  parent = new Int32Array(FIRST_CAPACITY);
  item = new Int32Array(FIRST_CAPACITY);
  /** Nodes from the outermost to each node, itself included. */
  depth = new Uint16Array(FIRST_CAPACITY);
  size = 0;
  private index = new Int32Array(FIRST_CAPACITY * 2).fill(NO_NODE);

  /** The node for `item` below `parent`; made when it is new. */
  child(parent: number, item: number): number {
    const found = this.find(parent, item);
    if (found >= 0) return found;
    const node = this.size;
    if (node === this.parent.length) this.grow();
    this.parent[node] = parent;
    this.item[node] = item;
    this.depth[node] = parent === NO_NODE ? 1 : this.depth[parent] + 1;
    this.size++;
    this.insert(node);
    return node;
  }

  /** The node for `item` below `parent`, NO_NODE where there is none yet. */
  find(parent: number, item: number): number {
    const mask = this.index.length - 1;
    for (let slot = hash(parent, item) & mask; ; slot = (slot + 1) & mask) {
      const node = this.index[slot];
      if (node === NO_NODE) return NO_NODE;
      if (this.parent[node] === parent && this.item[node] === item) return node;
    }
  }

  /** Items from the outermost to `node`. */
  path(node: number): number[] {
    const items: number[] = [];
    for (let at = node; at !== NO_NODE; at = this.parent[at]) items.push(this.item[at]);
    return items.reverse();
  }

  private insert(node: number): void {
    const mask = this.index.length - 1;
    let slot = hash(this.parent[node], this.item[node]) & mask;
    while (this.index[slot] !== NO_NODE) slot = (slot + 1) & mask;
    this.index[slot] = node;
  }

  private grow(): void {
    this.parent = grown(this.parent);
    this.item = grown(this.item);
    const depth = new Uint16Array(this.parent.length);
    depth.set(this.depth);
    this.depth = depth;
    this.index = new Int32Array(this.parent.length * 2).fill(NO_NODE);
    for (let node = 0; node < this.size; node++) this.insert(node);
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function hash(parent: number, item: number): number {
  let h = Math.imul(parent + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(item + 1, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 13)) >>> 0;
}
