/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * From an address to its unwind rule: the helper's pages (events.h, unwind_rows.h) and how they are searched. Used by
 * unwind_native.bpf.h where its cache does not know an address.
 *
 * Three pages at most of the time: the process's ranges, the table's index, its rows. A page is found by two array
 * lookups, so that memory can come and go in chunks while programs run. Searches have a fixed number of steps without a
 * branch in them: the processor cannot guess those anyway, and each would double what the verifier has to follow.
 */
#ifndef LIB_UNWIND_PAGES_BPF_H
#define LIB_UNWIND_PAGES_BPF_H

#include "kernel.bpf.h"
#include "../events.h"
#include "../unwind_rows.h"

_Static_assert(sizeof(struct code_page) == UNWIND_PAGE_BYTES, "a page");
_Static_assert(sizeof(struct code_index) == UNWIND_PAGE_BYTES, "a page");
_Static_assert((UNWIND_CHUNK_PAGES & (UNWIND_CHUNK_PAGES - 1)) == 0, "a page's place is split by mask");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, UNWIND_CHUNKS_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, UNWIND_CHUNK_PAGES);
		__uint(map_flags, BPF_F_MMAPABLE);
		__uint(key_size, sizeof(__u32));
		__uint(value_size, UNWIND_PAGE_BYTES);
	});
} unwind_chunks SEC(".maps");

static __always_inline void *unwind_page(__u32 number)
{
	__u32 chunk = number / UNWIND_CHUNK_PAGES, page = number & (UNWIND_CHUNK_PAGES - 1);
	void *pages = bpf_map_lookup_elem(&unwind_chunks, &chunk);

	return pages ? bpf_map_lookup_elem(pages, &page) : 0;
}

/* All ones where a <= b, else 0; both below 2^63. */
static __always_inline __u64 mask_not_above(__u64 a, __u64 b)
{
	return (__s64)(a - b - 1) >> 63;
}

/*
 * `index` below `count`, a power of two, with the mask where the verifier can see it: compilers work out that it changes
 * nothing and leave it out, which kernels before 5.11 cannot follow.
 */
#define BELOW(index, count)				\
({							\
	__u64 index_ = (index);				\
	asm volatile("" : "+r"(index_));		\
	index_ & ((count) - 1);				\
})

/*
 * Index of the last of `count` sorted words that is not above `key` (the first one counts as such). `most`, a power of two,
 * bounds count and gives the rounds.
 */
#define SEARCH(word_at, count, most, key)					\
({										\
	__u64 found_ = 0, left_ = (count), half_;				\
	__u32 rounds_;								\
	_Pragma("unroll")							\
	for (rounds_ = (most); rounds_ > 1; rounds_ /= 2) {			\
		half_ = left_ / 2;						\
		found_ += half_ & mask_not_above(word_at(BELOW(found_ + half_, most)), key);	\
		left_ -= half_;							\
	}									\
	BELOW(found_, most);							\
})

/* The range that holds the address; NULL where there is none. */
static __always_inline struct code_range *find_code(__u32 page, __u64 address)
{
	struct code_index *index;
	struct code_page *code;
	__u64 i;

	if (page & CODE_PAGE_INDEX) {
		page &= ~CODE_PAGE_INDEX;
		index = unwind_page(page);
		if (!index)
			return 0;
#define INDEX_START(i)	index->starts[i]
		page += 1 + SEARCH(INDEX_START, 512, 512, address);
	}
	code = unwind_page(page);
	if (!code)
		return 0;
#define RANGE_START(i)	code->starts[i]
	/* The first line says where the others are in use. */
	i = SEARCH(RANGE_START, code->ranges[0].ranges, CODE_RANGES, address);
	return code->starts[i] <= address ? &code->ranges[i] : 0;
}

/* Which page of those below an index page of `count` pcs. */
static __always_inline __u64 search_index(__u32 *pcs, __u64 count, __u64 pc)
{
#define INDEX_PC(i)	pcs[i]
	return SEARCH(INDEX_PC, count, UNWIND_PAGE_PCS, pc);
}

/* The rule at `pc` of a range's table, UNWIND_NONE where there is none. */
static __always_inline __u32 find_rule(struct code_range *range, __u64 pc)
{
	__u32 page = range->page, *pcs;
	__u64 first = range->first, count = range->count, i = 0;
	struct unwind_row *rows;

	if (!count || pc >> 32)
		return UNWIND_NONE;
	if (range->levels) {
		pcs = unwind_page(page);
		if (!pcs)
			return UNWIND_NONE;
		i = search_index(pcs, range->index_count, pc);
		page += 1 + i;
		if (range->levels == 2) {
			pcs = unwind_page(page);
			if (!pcs)
				return UNWIND_NONE;
			/* The rows' pages follow all index pages. */
			page = range->page + 1 + range->index_count + i * UNWIND_PAGE_PCS +
			       search_index(pcs, UNWIND_PAGE_PCS, pc);
		}
	}
	rows = unwind_page(page);
	if (!rows)
		return UNWIND_NONE;
#define ROW_PC(i)	rows[(first + (i)) & (UNWIND_PAGE_ROWS - 1)].pc
	i = first + SEARCH(ROW_PC, count, UNWIND_PAGE_ROWS, pc);
	i = BELOW(i, UNWIND_PAGE_ROWS);
	return rows[i].pc <= pc ? rows[i].rule : UNWIND_NONE;
}

#endif /* LIB_UNWIND_PAGES_BPF_H */
