import test from 'ava'
import { hierarchiesOf } from '../src/control-group-paths.ts'

const folders = test.macro(
  (t, mounts: string[], groups: string[], expected: [version: number, controllers: string, folder: string][]) => {
    const found = hierarchiesOf(mounts.join('\n'), groups.join('\n'))
    t.deepEqual(
      found.map(({ version, controllers, folder }) => [version, controllers.join(), folder]),
      expected
    )
  }
)

const V2 = '35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate'
const MEMORY = '29 24 0:25 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory'
const CPU = '30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 master:1 - cgroup cgroup rw,cpu,cpuacct'

test(
  'a service under systemd',
  folders,
  [V2],
  ['0::/system.slice/peerless.service'],
  [[2, '', '/sys/fs/cgroup/system.slice/peerless.service']]
)
test('the root of a container', folders, [V2], ['0::/'], [[2, '', '/sys/fs/cgroup']])
test(
  'version 1, one tree per controller',
  folders,
  [MEMORY, CPU],
  ['4:memory:/jobs/7', '1:cpu,cpuacct:/'],
  [
    [1, 'memory', '/sys/fs/cgroup/memory/jobs/7'],
    [1, 'cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct']
  ]
)
test(
  'both versions',
  folders,
  ['24 1 0:2 / / rw - ext4 /dev/vda rw', MEMORY, V2.replace('/sys/fs/cgroup rw', '/sys/fs/cgroup/unified rw')],
  ['4:memory:/', '0::/a'],
  [
    [1, 'memory', '/sys/fs/cgroup/memory'],
    [2, '', '/sys/fs/cgroup/unified/a']
  ]
)
test(
  'a container that sees its part of the tree only',
  folders,
  [MEMORY.replace(' / /sys', ' /docker/abc /sys')],
  ['4:memory:/docker/abc/deep'],
  [[1, 'memory', '/sys/fs/cgroup/memory/deep']]
)
test(
  'a name that begins like the part is another',
  folders,
  [MEMORY.replace(' / /sys', ' /docker/abc /sys')],
  ['4:memory:/docker/abcdef'],
  [[1, 'memory', '/sys/fs/cgroup/memory/docker/abcdef']]
)
test(
  'a blank in the mount point',
  folders,
  [MEMORY.replace('/sys/fs/cgroup/memory', '/my\\040groups')],
  ['4:memory:/x'],
  [[1, 'memory', '/my groups/x']]
)
test(
  'a tree that is not mounted',
  folders,
  [CPU],
  ['4:memory:/', '1:cpu,cpuacct:/', '9:name=systemd:/'],
  [[1, 'cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct']]
)
test('what makes no sense', folders, ['', 'x', '- -'], ['', 'nonsense', '0::'], [])
