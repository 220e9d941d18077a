// Every error that a user can meet: its code, a plain sentence and the next step, in one table, so that the CLI, the
// extension and the tests agree. `{0}`, `{1}` are filled in by `tracerError`. Thrown as TracerError inside the helper,
// sent as JSON-RPC error data (`ErrorReport`), shown by the CLI and the extension.

export interface ErrorReport {
  code: ErrorCode;
  /** What happened, one plain sentence. */
  message: string;
  /** What to do next, one plain sentence. */
  fix: string;
}

const TABLE = {
  USAGE: ['{0}', 'Run "ebpf-tracer --help" for the options.'],
  INTERNAL: [
    'Something went wrong inside the tracer: {0}',
    'Please report this with the log ("Universal eBPF Tracer" output channel).',
  ],
  PID_INVALID: ['"{0}" is not a process id.', 'Give the number of a running process; "ebpf-tracer list" shows them.'],
  PID_GONE: ['There is no process {0}.', 'It may have exited: pick another one.'],
  PID_ZOMBIE: ['Process {0} has exited and waits for its parent (zombie).', 'Pick a process that is still running.'],
  PID_KERNEL_THREAD: [
    'Process {0} is a kernel thread.',
    'Pick a user process; kernel time is part of every recording.',
  ],
  PID_SELF: ['Process {0} is this tracer itself.', 'Pick another process.'],
  NOT_YOUR_PROCESS: [
    'Process {0} belongs to {1}, not to you.',
    'Confirm that you want to trace it, or run "ebpf-tracer record --any-user" as root.',
  ],
  PROCESS_PROTECTED: [
    'Process {0} has rights that you do not have: {1}.',
    'Run "sudo ebpf-tracer record --any-user" if you may see into it.',
  ],
  ANY_USER_NEEDS_ROOT: [
    "Other users' processes may be recorded only by a helper that root started.",
    'Run the command with sudo, or leave out --any-user.',
  ],
  NO_PRIVILEGE: ['Tracing needs administrator rights: {0}', 'Run with sudo, or allow the password prompt.'],
  SUDO_ABSENT: [
    'There is no sudo or pkexec on this machine.',
    'Start VS Code or the command as root, or install sudo.',
  ],
  PASSWORD_REJECTED: [
    'sudo did not accept the password.',
    'Try again, or check that your user may use sudo ("sudo -v" in a terminal).',
  ],
  ELEVATION_CANCELLED: [
    'The request for administrator rights was cancelled.',
    'Start again whenever you like; nothing was changed.',
  ],
  HELPER_UNREADABLE: [
    'Root cannot read {0}.',
    'Move it to a local disk: NFS with root_squash, FUSE and Flatpak folders hide files from root.',
  ],
  HELPER_START: ['The tracer helper did not start: {0}', 'See the log for what it printed.'],
  HELPER_DIED: ['The tracer helper ended unexpectedly.', 'What had arrived is saved; start again to go on.'],
  VERSION_MISMATCH: [
    'The helper speaks protocol version {0}, this client version {1}.',
    'Reload the window, so that both come from the same installation.',
  ],
  PEER_REFUSED: [
    'The connection came from user {0}, not from user {1}.',
    'Only the user who started the helper may talk to it.',
  ],
  CONTAINER_NO_RIGHTS: [
    'This container may not load eBPF programs: {0} missing.',
    'Start it with {1}, or record from the host.',
  ],
  KERNEL_NO_BPF: ['This kernel refuses eBPF programs: {0}', 'See "ebpf-tracer check" for what this machine lacks.'],
  HTTP_NOT_ATTACHED: [
    'HTTP cannot be traced on this kernel: {0}',
    'Use Linux 6.3 or later with BTF; CPU time can be recorded all the same ("ebpf-tracer record").',
  ],
  KERNEL_NO_BTF: [
    'This kernel has no type information (/sys/kernel/btf/vmlinux).',
    'Use a kernel built with CONFIG_DEBUG_INFO_BTF (all current distributions).',
  ],
  LOCKDOWN: [
    'Kernel lockdown is in confidentiality mode and forbids tracing.',
    'Use lockdown=integrity, or boot without Secure Boot confidentiality.',
  ],
  MEMLOCK: [
    'The memory limit for eBPF (RLIMIT_MEMLOCK) is too low and could not be raised.',
    'Run "ulimit -l unlimited" before, or use a kernel from 5.11 on.',
  ],
  LIBBPF_MISSING: [
    'libbpf could not be loaded: {0}',
    "Install your distribution's libbpf package (libbpf1 or libbpf).",
  ],
  NATIVE_MISSING: [
    'The native library koffi does not load on this system: {0}',
    'Use a distribution with glibc 2.28 or newer on x64 or arm64 (Debian 10, Ubuntu 18.10, RHEL 8 and later).',
  ],
  HANDSHAKE_REQUIRED: [
    'The request "{0}" came before the handshake.',
    'Reload the window, so that helper and client come from the same installation.',
  ],
  TOKEN_REFUSED: [
    'The connection did not show the token that this helper was started with.',
    'Start tracing again: a fresh helper gets a fresh token.',
  ],
  PERF_FORBIDDEN: [
    'The kernel refused the sampling event: {0}',
    'See "ebpf-tracer check": perf_event_paranoid, seccomp or a missing capability may be the cause.',
  ],
  BUSY: ['Process {0} is already being recorded.', 'Stop the other recording first.'],
  TRACER_UNKNOWN: ['There is no tracer "{0}".', 'Name one of those that exist: {1}.'],
  TRACER_NOT_SERVED: [
    'This helper has kept the rights for {0}, not for {1}.',
    'Start a helper for all tracers that are wanted.',
  ],
  TARGET_UNSUITABLE: ['The tracer {0} cannot record {1}.', 'Choose another target or another tracer.'],
  NO_RECORDING: ['There is no recording {0}.', 'It may have ended already.'],
  FLOW_FILTER_INVALID: [
    '"{0}" is not a filter: {1}.',
    'Write words like: not, tcp, udp, port 443, 10.0.0.0/8; at most 8 filters.',
  ],
  SAMPLE_EVERY_INVALID: [
    '"{0}" is not a sampling of packets.',
    'Give a whole number up to 10000: one packet in so many is counted.',
  ],
  INTERFACE_UNKNOWN: [
    'There is no network interface "{0}" here.',
    'List them by: ip link. In a container name its namespace by --netns.',
  ],
  NETNS_UNKNOWN: [
    '{0} is no network namespace that can be entered: {1}.',
    'Give a name of "ip netns", a path or a process; as root.',
  ],
  DEVICES_REFUSED: [
    'No interface could be traced: {0}.',
    'Tracing packets needs Linux 6.6 or later and CAP_NET_ADMIN.',
  ],
  FREQUENCY_INVALID: ['{0} is not a sampling frequency.', 'Give a whole number of samples a second from 1 to 4999.'],
  MAX_FRAMES_INVALID: ['{0} is not a depth of stacks.', 'Give a whole number of frames from 1 to 1023.'],
  DURATION_INVALID: ['"{0}" is not a duration.', 'Write it like 10s, 500ms, 2m or 1h.'],
  FORMAT_INVALID: ['"{0}" is not a format.', 'Use one of {1}.'],
  REPORT_FORMAT_INVALID: ['"{0}" is not a format of a report.', 'Use markdown or json.'],
  RANGE_INVALID: [
    '{0} to {1} is no stretch of a recording of {2}.',
    'Give times from its start on, like --from 12s --to 20s.',
  ],
  RANGE_WITHOUT_TIMES: [
    '{0} does not say when its samples were taken.',
    'Record anew: recordings keep times since version 0.2, where they are not too long.',
  ],
  RECORD_UNCONFIRMED: [
    'Nothing was recorded: {0}.',
    'Ask the user, or start the server with "ebpf-tracer mcp --allow-record".',
  ],
  METRIC_UNKNOWN: ['The recording has no figures of "{0}".', 'It has those of: {1}.'],
  NORMALIZATION_INVALID: ['Recordings cannot be compared by "{0}": {1}', 'Use cpu, samples or requests.'],
  PERCENT_INVALID: ['"{0}" is not a percentage.', 'Write it like 5% or 0.5.'],
  FUNCTION_UNKNOWN: [
    'No function called "{0}" has figures in either recording.',
    'Look at the names that "ebpf-tracer report" shows.',
  ],
  NOT_COMPARABLE: ['The recordings cannot be put together: {0}', 'Take recordings of the same tracers and settings.'],
  DEBUGINFOD_URL_INVALID: [
    '"{0}" is not the address of a debuginfod server.',
    'Write it like https://debuginfod.example.org/.',
  ],
  COMMAND_NOT_FOUND: ['The command {0} could not be started: {1}', 'Check its name and that it is executable.'],
  OUTPUT_NOT_WRITABLE: ['The recording cannot be written to {0}: {1}', 'Choose another place with --output.'],
  OUTPUT_EXISTS: ['{0} exists and is not a recording.', 'Choose another name, so that nothing is overwritten.'],
  DISK_FULL: [
    'The disk is full: the recording could not be written to {0}.',
    'Free some space; the last version that fitted is kept.',
  ],
  NOT_A_RECORDING: [
    '{0} is not a recording of this tracer: {1}',
    'Open recordings of this tracer, or files of other profilers: "ebpf-tracer import --help" lists their formats.',
  ],
  RECORDING_TOO_LARGE: [
    '{0} is too large: recordings of {1} MB and more cannot be read at once.',
    'Record for a shorter time, or have the program that wrote it merge equal stacks.',
  ],
  RECORDING_TOO_NEW: ['{0} was written by a newer version of the tracer (format {1}).', 'Update the extension.'],
  FILE_UNREADABLE: ['{0} cannot be read: {1}', 'Give the path of a program, library or debug file that you may read.'],
  NOT_A_PROGRAM: [
    '{0} is no program, library or debug file that can be read here: {1}',
    'Give an ELF file of a 64-bit Linux program (x86-64 or arm64).',
  ],
  ADDRESS_INVALID: [
    '"{0}" is not an address.',
    'Write virtual addresses of the file in hexadecimal, like 0x1139 or 1139, as objdump and readelf show them.',
  ],
  OTLP_NOT_SENT: [
    'The collector at {0} did not take what was found: {1}',
    'Check that it listens there for OTLP over HTTP; --otlp FILE writes the same into files.',
  ],
  NOTHING_RECORDED_QUIET: [
    'Nothing was recorded: there were no {0} in the meantime.',
    'Give it work, or record longer.',
  ],
  NOTHING_RECORDED_IDLE: [
    'No samples: process {0} used no CPU time while it was recorded.',
    'Give it work, or record longer; off-CPU time is not sampled here.',
  ],
  NOTHING_RECORDED_EXITED: [
    'No samples: process {0} exited before it could be sampled.',
    'Use "record -- COMMAND" to record from its first instruction.',
  ],
  NOTHING_RECORDED_FILTERED: [
    'No samples: all the time of process {0} was in what the options leave out ({1}).',
    'Record again without --no-children or --no-kernel.',
  ],
  NOTHING_RECORDED_LOST: [
    'No samples: {0} were taken but none arrived.',
    'Lower the frequency; see "ebpf-tracer check".',
  ],
  NOTHING_RECORDED_SHORT: [
    'No samples: the command used only {0} ms of CPU time, too little to be met by {1} samples a second.',
    'Record again with a higher --frequency (up to 4999).',
  ],
  NOTHING_RECORDED_UNSEEN: [
    'No samples: process {0} used {1} ms of CPU time, but the sampling events never met it.',
    'It may run in another cgroup, on other CPUs or in another namespace: record from the host; see "ebpf-tracer check".',
  ],
  NOTHING_RECORDED_REFUSED: [
    'No samples: process {0} ran with rights that you do not have (a set-user-id program, sudo).',
    'Run "sudo ebpf-tracer record --any-user" if you may see into it.',
  ],
  CANCELLED: ['Cancelled.', 'Nothing was changed.'],
} as const satisfies Record<string, readonly [message: string, fix: string]>;

export type ErrorCode = keyof typeof TABLE;

export const ERROR_CODES = Object.keys(TABLE) as ErrorCode[];

/** Fills a table entry's `{0}`, `{1}` with `args`. Both are whole sentences, also where the last word is somebody else's. */
export function errorReport(code: ErrorCode, ...args: (string | number)[]): ErrorReport {
  const fill = (text: string) => ended(text.replace(/\{(\d)\}/g, (_, i) => String(args[Number(i)] ?? '')));
  return { code, message: fill(TABLE[code][0]), fix: fill(TABLE[code][1]) };
}

function ended(text: string): string {
  const trimmed = text.trimEnd();
  return /[.!?…][)"'”’]?$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

export class TracerError extends Error {
  constructor(readonly report: ErrorReport) {
    super(report.message);
    this.name = 'TracerError';
  }
}

export function tracerError(code: ErrorCode, ...args: (string | number)[]): TracerError {
  return new TracerError(errorReport(code, ...args));
}

/** Whatever was thrown, as something a user can read. */
export function toErrorReport(error: unknown): ErrorReport {
  if (error instanceof TracerError) return error.report;
  const data = (error as { data?: unknown } | null)?.data as Partial<ErrorReport> | undefined;
  if (data?.code && data.code in TABLE && data.message !== undefined && data.fix !== undefined)
    return data as ErrorReport;
  return errorReport('INTERNAL', error instanceof Error ? error.message : String(error));
}

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, noPrivilege: 3, nothingRecorded: 4, slower: 5 } as const;

export function exitCodeOf(code: ErrorCode): number {
  if (code.startsWith('NOTHING_RECORDED')) return EXIT.nothingRecorded;
  switch (code) {
    case 'USAGE':
    case 'PID_INVALID':
    case 'FREQUENCY_INVALID':
    case 'MAX_FRAMES_INVALID':
    case 'DURATION_INVALID':
    case 'FORMAT_INVALID':
    case 'REPORT_FORMAT_INVALID':
    case 'METRIC_UNKNOWN':
    case 'RANGE_INVALID':
    case 'NORMALIZATION_INVALID':
    case 'PERCENT_INVALID':
    case 'FUNCTION_UNKNOWN':
    case 'DEBUGINFOD_URL_INVALID':
    case 'ADDRESS_INVALID':
    case 'TRACER_UNKNOWN':
    case 'TARGET_UNSUITABLE':
    case 'FLOW_FILTER_INVALID':
    case 'SAMPLE_EVERY_INVALID':
    case 'INTERFACE_UNKNOWN':
    case 'NETNS_UNKNOWN':
      return EXIT.usage;
    case 'NO_PRIVILEGE':
    case 'SUDO_ABSENT':
    case 'PASSWORD_REJECTED':
    case 'ELEVATION_CANCELLED':
    case 'NOT_YOUR_PROCESS':
    case 'PROCESS_PROTECTED':
    case 'ANY_USER_NEEDS_ROOT':
    case 'CONTAINER_NO_RIGHTS':
      return EXIT.noPrivilege;
    default:
      return EXIT.failed;
  }
}
