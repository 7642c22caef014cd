import type { ExecutorStatus, SandboxCode } from '@peerless/sandbox'

/** Which of the four layers hold here, as an executor reported them, not as they were ordered. */
export function isolationLayers(
  code: SandboxCode,
  status: ExecutorStatus | undefined
): { layer: string; active: boolean; detail: string }[] {
  const allowed = Object.entries(status?.permissions ?? {}).flatMap(([scope, has]) => (has ? [scope] : []))
  const confined = status?.confined === true && allowed.length === 0 && status.environment.length === 0
  const linux = process.platform === 'linux'
  return [
    {
      layer: 'isolate',
      active: true,
      detail: `isolated-vm ${code.isolatedVmVersion}: a heap and globals of its own per instance`
    },
    {
      layer: 'executor',
      active: confined,
      detail: confined
        ? 'a process per account under the permission model: no files, network, children, workers or environment'
        : `not confirmed by an executor yet, or it may use: ${allowed.join(', ')}`
    },
    {
      layer: 'watch',
      active: true,
      detail: linux ? 'deadlines and resident memory of executors are watched' : 'deadlines are watched; memory is not (no /proc)'
    },
    { layer: 'operating system', active: false, detail: 'no user, cgroup, rlimit or seccomp is set for executors' }
  ]
}
