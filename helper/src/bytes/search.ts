// Binary search in sorted tables of addresses and offsets: whose an address is, is the last entry that does not begin behind it.

/** How many of `sorted`, among `count` from `first` on, are not above `key`: the last of them is one before that. */
export function countNotAbove(
  sorted: ArrayLike<number>,
  key: number,
  first = 0,
  count = sorted.length - first,
): number {
  let low = first;
  let high = first + count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > key) high = middle;
    else low = middle + 1;
  }
  return low - first;
}

/** The same where the entries are not numbers: of `count`, how many come before the first that `isBehind` says yes to. */
export function countBefore(count: number, isBehind: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBehind(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
