// May this process trace, and how could it get the rights?

import {
  CAPABILITY,
  type CapabilityName,
  effectiveCapabilities,
  lastCapability,
  maskOf,
  statusMask,
} from '../client/capabilities';
import { findInPath } from '../client/findInPath';
import { refusal } from '../client/rights';
import { containerEngine, hasSeccompFilter, inInitialNamespace, isWsl, textOf } from '../client/surroundings';
import { type Check, degraded, type Finding, missing, ok, unknown } from './finding';
import { repeatAsRoot } from './howToRepeat';

export const RIGHTS_CHECKS: Check[] = [
  { id: 'capabilities', title: 'Rights to trace', run: capabilities },
  { id: 'elevation', title: 'Ways to get rights', run: elevation },
  { id: 'container', title: 'Container', run: container },
  { id: 'pidNamespace', title: 'Process ids', run: pidNamespace },
  { id: 'seccomp', title: 'System call filter', run: seccomp },
];

function capabilities(): Finding {
  const effective = effectiveCapabilities();
  const refused = refusal(effective, statusMask(textOf('/proc/self/status') ?? '', 'CapBnd'));
  if (refused?.code === 'NO_PRIVILEGE')
    return unknown('this process has none; a recording asks for them through sudo', repeatAsRoot());
  if (refused) return missing(refused.message, refused.fix);
  const wanted: CapabilityName[] = ['SYS_PTRACE'];
  if (lastCapability() >= CAPABILITY.CHECKPOINT_RESTORE) wanted.push('CHECKPOINT_RESTORE');
  const absent = wanted.filter((name) => !(effective & maskOf([name])));
  if (absent.length === 0) return ok('all capabilities are there');
  const lost = absent.map((name) => `CAP_${name}`).join(' and ');
  return degraded(
    `without ${lost} some processes' memory and deleted binaries cannot be read`,
    `Start the container with ${absent.map((name) => `--cap-add=${name}`).join(' ')}.`,
  );
}

function elevation(privileged: boolean): Finding {
  const ways = ['sudo', 'pkexec'].map((name) => findInPath(name)).filter((path) => path !== null);
  if (ways.length > 0) return ok(ways.join(', '));
  if (privileged) return ok('none needed: this process has them');
  return missing('neither sudo nor pkexec is installed', 'Install sudo, or start as root.');
}

function container(): Finding {
  const engine = containerEngine();
  const inside = inInitialNamespace('pid') === false || inInitialNamespace('user') === false;
  return ok(engine !== null && inside ? `runs in ${engine}` : 'none around this process');
}

/** Other processes' ids mean what this namespace says; the tracer translates. */
function pidNamespace(): Finding {
  const initial = inInitialNamespace('pid');
  if (initial === null) return unknown('/proc/self/ns cannot be read', null);
  if (initial) return ok('the initial PID namespace: all processes are visible');
  if (isWsl()) return ok("WSL's own PID namespace: this distribution's processes are visible");
  return degraded(
    'a PID namespace of its own: only its processes are visible',
    'To see all processes, run outside, or with --pid=host.',
  );
}

function seccomp(): Finding {
  if (!hasSeccompFilter()) return ok('no seccomp filter on this process');
  return degraded(
    'a seccomp filter is active and may forbid bpf() or perf_event_open()',
    'If tracing is refused, start the container with --security-opt=seccomp=unconfined.',
  );
}
