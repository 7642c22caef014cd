/** One tree of control groups (cgroups(7)), and where this process is in it. */
export interface Hierarchy {
  version: 1 | 2
  /** Version 1 only: what this tree is about. Version 2 says so in files of each group. */
  controllers: readonly string[]
  /** The path of the group within its tree. `/` is the root of the machine's tree, or of the container's part of it. */
  group: string
  /** The folder of that group. */
  folder: string
}

interface Mount {
  root: string
  point: string
  type: string
  options: readonly string[]
}

/**
 * @param mountInfo /proc/self/mountinfo, see proc_pid_mountinfo(5)
 * @param ownGroups /proc/self/cgroup
 */
export function hierarchiesOf(mountInfo: string, ownGroups: string): Hierarchy[] {
  const mounts = mountsOf(mountInfo)
  return ownGroups.split('\n').flatMap((line) => {
    const [, names, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (names === undefined || group === undefined) return []
    const controllers = names === '' ? [] : names.split(',')
    const mount = mounts.find(({ type, options }) =>
      names === '' ? type === 'cgroup2' : type === 'cgroup' && controllers.every((name) => options.includes(name))
    )
    if (mount === undefined) return []
    return [{ version: names === '' ? 2 : 1, controllers, group, folder: folderOf(mount, group) } as const]
  })
}

function mountsOf(mountInfo: string): Mount[] {
  return mountInfo.split('\n').flatMap((line) => {
    // Optional fields stand between the sixth and a hyphen.
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root, point] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    if (root === undefined || point === undefined || type === undefined) return []
    return [{ root: unescaped(root), point: unescaped(point), type, options: options.split(',') }]
  })
}

/** A container sees a part of the tree: the mount's root is then what its groups' paths begin with, or the path is told from there already. */
function folderOf({ root, point }: Mount, group: string): string {
  const within = root === '/' || !`${group}/`.startsWith(`${root}/`) ? group : group.slice(root.length)
  return within === '/' || within === '' ? point : `${point}${within}`
}

/** Blanks and the like are written as octal numbers. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
