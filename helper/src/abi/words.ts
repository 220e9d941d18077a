// Kernel memory as the decoders read it. A file of its own, because those who map the memory and those who decode it are
// different folders.

/** A stretch of records: the same bytes as 32-bit and 64-bit words. */
export interface Words {
  u32: Uint32Array;
  u64: BigUint64Array;
}
