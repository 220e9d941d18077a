/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The hash that names a stack: 64 bits, so that among a million stacks two share a name once in 30 million recordings.
 * Multiply and fold, as in MurmurHash's finalizer; a multiplication is one cycle here and four a sample's frame.
 */
#ifndef LIB_HASH_BPF_H
#define LIB_HASH_BPF_H

#include "kernel.bpf.h"

static __always_inline __u64 mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdULL;
	return hash ^ (hash >> 32);
}

#endif /* LIB_HASH_BPF_H */
