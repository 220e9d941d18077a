// Which container a process runs in, from its cgroup paths alone (no engine is asked, no socket opened). Used by the
// process list. Path shapes: docker and podman with the systemd and cgroupfs drivers, containerd under Kubernetes
// (cri-containerd-, crio-), nerdctl and LXC, as their cgroup managers write them.

const HEX_ID = '[0-9a-f]{64}';
const SHAPES: [pattern: RegExp, engine: string][] = [
  [new RegExp(`/docker[-/](${HEX_ID})`), 'docker'],
  [new RegExp(`/libpod-(?:conmon-)?(${HEX_ID})`), 'podman'],
  [new RegExp(`/libpod_parent/(?:libpod-)?(${HEX_ID})`), 'podman'],
  [new RegExp(`/cri-containerd-(${HEX_ID})`), 'containerd'],
  [new RegExp(`/(?:cri-o|crio)-(?:conmon-)?(${HEX_ID})`), 'crio'],
  [new RegExp(`/nerdctl-(${HEX_ID})`), 'containerd'],
  [new RegExp(`/kubepods[^:]*/(?:[a-z-]+-)?(${HEX_ID})`), 'kubepods'],
  [new RegExp(`/[a-z0-9.-]+/(${HEX_ID})$`), 'containerd'],
  [/\/lxc(?:\.payload)?[./]([^/]+)/, 'lxc'],
];

/** `engine:id` with 12 digits of the id (LXC: its name), null outside containers. Text of /proc/PID/cgroup. */
export function containerOf(cgroupText: string): string | null {
  for (const line of cgroupText.split('\n')) {
    const path = line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1);
    if (path.length < 2) continue;
    for (const [pattern, engine] of SHAPES) {
      const id = pattern.exec(path)?.[1];
      if (id) return `${engine}:${engine === 'lxc' ? id : id.slice(0, 12)}`;
    }
  }
  return null;
}
