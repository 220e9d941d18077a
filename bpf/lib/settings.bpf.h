/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The settings of an object, in one place of .rodata: the helper writes them before it loads (helper/src/bpf/object.ts),
 * the verifier takes them for constants and drops what is switched off. The defaults make an object loadable as it is
 * by `bpftool prog load`.
 */
#ifndef LIB_SETTINGS_BPF_H
#define LIB_SETTINGS_BPF_H

#include "kernel.bpf.h"
#include "../events.h"

const volatile struct tracer_settings settings = {
	.use_ring_buffer = 1,
	.count_kernel = 1,
	.follow_children = 1,
	.max_frames = EVENTS_MAX_FRAMES,
};

#endif /* LIB_SETTINGS_BPF_H */
