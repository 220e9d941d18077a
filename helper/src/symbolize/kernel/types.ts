// What the kernel's symbol table gives for an address.

export interface KernelSymbol {
  name: string;
  /** `[kernel]`, or the module in brackets as /proc/kallsyms has it: `[ext4]`, `[bpf]`. */
  module: string;
}
