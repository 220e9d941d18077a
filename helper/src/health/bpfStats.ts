// Run time of BPF programs, as the kernel counts it while statistics are on (5.8: BPF_ENABLE_STATS, off again when the
// fd closes, also by a kill). Opened by serve.ts before privileges drop, because it asks for CAP_SYS_ADMIN; read by
// engine/session.ts.

import { native } from '../bpf/libbpf';

const BPF_STATS_RUN_TIME = 0;
/** struct bpf_prog_info (include/uapi/linux/bpf.h): run_time_ns, run_cnt. */
const INFO_BYTES = 232;
const RUN_TIME_NS = 192;
const RUN_COUNT = 200;

export interface BpfStats {
  close(): void;
}

let open = 0;

/** Null where the kernel or our rights do not allow it. */
export function openBpfStats(): BpfStats | null {
  const { libbpf, system } = native();
  const fd = libbpf.enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) return null;
  open++;
  let closed = false;
  return {
    close: () => {
      if (closed) return;
      closed = true;
      open--;
      system.close(fd);
    },
  };
}

/** Total run time and runs of these programs since they were loaded; null while statistics are off. */
export function programRunTime(programFds: number[]): { runTimeNs: number; runs: number } | null {
  if (open === 0) return null;
  const info = Buffer.alloc(INFO_BYTES);
  const length = Buffer.alloc(4);
  let [runTimeNs, runs] = [0, 0];
  for (const fd of programFds) {
    info.fill(0);
    length.writeUInt32LE(INFO_BYTES);
    if (native().libbpf.program_info(fd, info, length) < 0) continue;
    runTimeNs += Number(info.readBigUInt64LE(RUN_TIME_NS));
    runs += Number(info.readBigUInt64LE(RUN_COUNT));
  }
  return { runTimeNs, runs };
}
