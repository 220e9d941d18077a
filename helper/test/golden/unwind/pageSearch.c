/*
 * The search in the unwind pages as the kernel's programs do it (bpf/lib/unwind_pages.bpf.h, that very text), compiled for
 * user space: ../unwindPages.test.ts writes pages as the helper does and asks this for rules. In place of the kernel stand
 * the few names of bpf/lib/kernel.bpf.h and libbpf's headers that the search needs.
 */
#include <stdlib.h>
#include <string.h>

#define LIB_KERNEL_BPF_H
typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
#define __always_inline inline __attribute__((always_inline))
#define SEC(name)
#define __uint(name, value) int (*name)[value]
#define __array(name, value) __typeof__(value) *name[]
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_ARRAY_OF_MAPS 12
#define BPF_F_MMAPABLE (1U << 10)

static void *bpf_map_lookup_elem(void *map, const __u32 *key);

#include "../../../../bpf/lib/unwind_pages.bpf.h"

static __u8 *chunks[UNWIND_CHUNKS_MAX];

/* Both levels: the map of chunks, and a chunk's pages. */
static void *bpf_map_lookup_elem(void *map, const __u32 *key)
{
	if (map == (void *)&unwind_chunks)
		return *key < UNWIND_CHUNKS_MAX ? chunks[*key] : 0;
	return *key < UNWIND_CHUNK_PAGES ? (__u8 *)map + *key * UNWIND_PAGE_BYTES : 0;
}

void write_chunk(__u32 number, __u32 offset, const __u8 *bytes, __u32 size)
{
	if (!chunks[number])
		chunks[number] = malloc(UNWIND_CHUNK_PAGES * UNWIND_PAGE_BYTES);
	memcpy(chunks[number] + offset, bytes, size);
}

void remove_chunks(void)
{
	for (int i = 0; i < UNWIND_CHUNKS_MAX; i++) {
		free(chunks[i]);
		chunks[i] = 0;
	}
}

/* As in lib/unwind_native.bpf.h; flags of the range above the rule, all ones where no range holds the address. */
__u64 rule_at(__u32 code_page, __u64 address)
{
	struct code_range *range = find_code(code_page, address);

	return range ? (__u64)range->flags << 32 | find_rule(range, address - range->base) : ~0ULL;
}

void wide_rule_at(__u32 index, struct unwind_wide_rule *rule)
{
	struct unwind_wide_rule *rules = unwind_page(index / UNWIND_PAGE_WIDE_RULES);

	*rule = rules[index % UNWIND_PAGE_WIDE_RULES];
}
