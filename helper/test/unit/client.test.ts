// What command line and extension share: sudo's sentences, and what this process may do and could be given.

import assert from 'node:assert/strict';
import {
  beyondPasswords,
  containerAdvice,
  containerCapabilities,
  containerRunArguments,
  devcontainerLines,
  hostCommand,
  mayTrace,
  parseRights,
  ungrantable,
} from '../../src/client/rights';
import { readSudoFailure } from '../../src/client/sudoMessages';
import { inInitialNamespace } from '../../src/client/surroundings';

const program = { node: '/opt/node/bin/node', script: '/ext/dist/helper.js' };

describe('what sudo says', () => {
  const verdict = (stderr: string) => {
    const read = readSudoFailure(stderr, program);
    return read.kind === 'refused' ? read.report.code : read.kind;
  };
  const cases: [string, string][] = [
    ['sudo: a password is required\n', 'passwordNeeded'],
    ['sudo: interactive authentication is required\n', 'passwordNeeded'],
    ['sudo: no password was provided\nsudo: a password is required\n', 'passwordNeeded'],
    ['Sorry, try again.\nsudo: 3 incorrect password attempts\n', 'rejected'],
    ['sudo: Maximum 3 incorrect authentication attempts\n', 'rejected'],
    ['sudo: sorry, you must have a tty to run sudo\n', 'terminalNeeded'],
    ["sudo: unrecognized option '-A'\n", 'terminalNeeded'],
    ['bob is not in the sudoers file.\n', 'NO_PRIVILEGE'],
    ['Sorry, user bob may not run sudo on host.\n', 'NO_PRIVILEGE'],
    ['sudo: The "no new privileges" flag is set, which prevents sudo from running as root.\n', 'NO_PRIVILEGE'],
    ['sudo: effective uid is not 0, is sudo installed setuid root?\n', 'NO_PRIVILEGE'],
    ['sudo: /opt/node/bin/node: command not found\n', 'HELPER_UNREADABLE'],
    ["env: '/opt/node/bin/node': Permission denied\n", 'HELPER_UNREADABLE'],
    ["Error: Cannot find module '/ext/dist/helper.js'\n", 'HELPER_UNREADABLE'],
    ['Segmentation fault\n', 'HELPER_START'],
    ['', 'HELPER_START'],
  ];
  for (const [stderr, expected] of cases) {
    it(`${JSON.stringify(stderr.slice(0, 60))} means ${expected}`, () => assert.equal(verdict(stderr), expected));
  }

  it('names the file that root cannot read', () => {
    const read = readSudoFailure("Error: EACCES: permission denied, open '/ext/dist/helper.js'", program);
    assert.ok(read.kind === 'refused' && read.report.message.includes('/ext/dist/helper.js'));
  });
});

describe('rights', () => {
  const status = (effective: string, bounding: string, uid = 1000, noNewPrivs = 0) =>
    `Name:\tnode\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\nCapEff:\t${effective}\nCapBnd:\t${bounding}\nNoNewPrivs:\t${noNewPrivs}\n`;
  const full = '000001ffffffffff';
  /** Docker's default set: no SYS_ADMIN, PERFMON or BPF. */
  const docker = '00000000a80425fb';

  it('knows who may start the helper directly', () => {
    assert.equal(mayTrace(parseRights(status(full, full, 0)).effective), true);
    assert.equal(mayTrace(parseRights(status('0000000000000000', full)).effective), false);
    assert.equal(mayTrace(parseRights(status('000000c000000000', full)).effective), true, 'BPF and PERFMON are enough');
    assert.equal(mayTrace(parseRights(status('0000000000200000', full)).effective), true, 'SYS_ADMIN stands for both');
    assert.equal(
      mayTrace(parseRights(status(docker, docker, 0)).effective),
      false,
      'root in a container is not enough',
    );
  });

  it('knows what nobody can get', () => {
    assert.deepEqual(ungrantable(parseRights(status(docker, docker, 0))), ['CAP_BPF', 'CAP_PERFMON']);
    assert.deepEqual(ungrantable(parseRights(status('0000000000000000', full))), []);
    assert.equal(parseRights(status(full, full, 0, 1)).noNewPrivileges, true);
  });

  it('says before a password is asked for where none can help', () => {
    const none = '0000000000000000';
    const why = (effective: string, bounding: string, uid: number, engine: string | null, noNewPrivileges = 0) =>
      beyondPasswords(parseRights(status(effective, bounding, 0, noNewPrivileges)), uid, engine);
    // In a user namespace of its own nothing counts, whatever is asked for.
    if (inInitialNamespace('user') === false) {
      assert.equal(why(none, full, 1000, null)?.code, 'CONTAINER_NO_RIGHTS');
      return;
    }
    assert.equal(why(full, full, 1000, null), null);
    assert.equal(why(none, full, 1000, null), null, 'a password may help');
    assert.equal(why(none, full, 0, null)?.code, 'NO_PRIVILEGE', 'root needs no sudo');
    assert.equal(why(docker, docker, 0, 'docker')?.code, 'CONTAINER_NO_RIGHTS');
    assert.match(why(docker, docker, 1000, null)?.message ?? '', /CAP_BPF, CAP_PERFMON cannot be had here/);
    assert.equal(why(none, full, 1000, 'flatpak', 1)?.code, 'HELPER_UNREADABLE');
    assert.match(why(none, full, 1000, null, 1)?.message ?? '', /no program may gain rights/);
  });

  it('names the rights with which a container is to be started, the same in every form', () => {
    for (const [last, paranoid, capabilities] of [
      [40, 2, ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE']],
      [39, 2, ['BPF', 'PERFMON', 'SYS_PTRACE']],
      // Debian's perf_event_paranoid of 3 takes no CAP_PERFMON.
      [40, 3, ['BPF', 'PERFMON', 'SYS_PTRACE', 'CHECKPOINT_RESTORE', 'SYS_ADMIN']],
      [37, 3, ['SYS_ADMIN', 'SYS_PTRACE']],
    ] as const) {
      const named = containerCapabilities(last, paranoid);
      assert.deepEqual(named, capabilities);
      assert.deepEqual(JSON.parse(`{${devcontainerLines(named)}}`).capAdd, capabilities);
      assert.ok(containerRunArguments(named).startsWith(named.map((name) => `--cap-add=${name}`).join(' ')));
    }
    assert.ok(containerAdvice().includes(containerRunArguments()));
    assert.match(hostCommand('podman', 'abc'), /podman inspect .* abc/);
  });
});
