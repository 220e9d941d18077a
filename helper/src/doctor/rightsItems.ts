// May this process trace, and how could it get the rights? Called by check.ts.

import { CAPABILITY, effectiveCapabilities, lastCapability, maskOf, statusMask } from '../privilege/capabilities';
import { findInPath } from '../privilege/findInPath';
import { refusal } from '../privilege/rights';
import { containerEngine, hasSeccompFilter, inInitialNamespace, isWsl, textOf } from '../privilege/surroundings';
import type { CheckItem } from '../protocol';
import { item } from './item';

export function rightsItems(privileged: boolean): CheckItem[] {
  return [capabilities(), elevation(privileged), container(), pidNamespace(), seccomp()];
}

function capabilities(): CheckItem {
  const effective = effectiveCapabilities();
  const refused = refusal(effective, statusMask(textOf('/proc/self/status') ?? '', 'CapBnd'));
  // Without rights of its own, a process still gets them through sudo: then that is what counts.
  if (refused?.code === 'NO_PRIVILEGE')
    return item('capabilities', 'Rights to trace', 'unknown', `not in this process: ${refused.message}`, refused.fix);
  if (refused) return item('capabilities', 'Rights to trace', 'missing', refused.message, refused.fix);
  const wanted = [
    'SYS_PTRACE',
    ...(lastCapability() >= CAPABILITY.CHECKPOINT_RESTORE ? ['CHECKPOINT_RESTORE'] : []),
  ] as const;
  const absent = wanted.filter((name) => !(effective & maskOf([name as keyof typeof CAPABILITY])));
  if (absent.length === 0) return item('capabilities', 'Rights to trace', 'ok', 'all capabilities are there');
  const lost = absent.map((name) => `CAP_${name}`).join(' and ');
  const cost = "some processes' memory and deleted binaries cannot be read";
  const fix = `Start the container with ${absent.map((name) => `--cap-add ${name}`).join(' ')}.`;
  return item('capabilities', 'Rights to trace', 'degraded', `without ${lost} ${cost}`, fix);
}

function elevation(privileged: boolean): CheckItem {
  const title = 'Ways to get rights';
  const ways = ['sudo', 'pkexec'].map((name) => [name, findInPath(name)] as const).filter(([, path]) => path !== null);
  if (ways.length > 0) return item('elevation', title, 'ok', ways.map(([, path]) => path).join(', '));
  if (privileged) return item('elevation', title, 'ok', 'none needed: this process has them');
  return item('elevation', title, 'missing', 'neither sudo nor pkexec is installed', 'Install sudo, or start as root.');
}

function container(): CheckItem {
  const title = 'Container';
  const engine = containerEngine();
  const inside = inInitialNamespace('pid') === false || inInitialNamespace('user') === false;
  if (engine === null || !inside) return item('container', title, 'ok', 'none around this process');
  return item('container', title, 'ok', `runs in ${engine}`);
}

/** Other processes' ids mean what this namespace says; the tracer translates. */
function pidNamespace(): CheckItem {
  const title = 'Process ids';
  const initial = inInitialNamespace('pid');
  if (initial === null) return item('pidNamespace', title, 'unknown', '/proc/self/ns cannot be read');
  if (initial) return item('pidNamespace', title, 'ok', 'the initial PID namespace: all processes are visible');
  if (isWsl()) return item('pidNamespace', title, 'ok', "WSL's own PID namespace: this distribution's processes");
  const detail = 'a PID namespace of its own: only its processes are visible';
  return item('pidNamespace', title, 'degraded', detail, 'To see all processes, run outside, or with --pid=host.');
}

function seccomp(): CheckItem {
  const title = 'System call filter';
  if (!hasSeccompFilter()) return item('seccomp', title, 'ok', 'no seccomp filter on this process');
  const fix = 'If tracing is refused, start the container with --security-opt seccomp=unconfined.';
  return item(
    'seccomp',
    title,
    'degraded',
    'a seccomp filter is active and may forbid bpf() or perf_event_open()',
    fix,
  );
}
