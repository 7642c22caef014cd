import type { ExecutorStatus, SandboxCode } from '@peerless/sandbox'

/** One means by which functions are contained. */
export interface Layer {
  layer: string
  active: boolean
  /** What it does; where it is not active, why not. */
  detail: string
}

/**
 * Which layers hold here: of the inner ones as an executor reported them, not as they were ordered.
 * @param outer what the operating system adds
 */
export function isolationLayers(code: SandboxCode, status: ExecutorStatus | undefined, outer: readonly Layer[]): Layer[] {
  const allowed = Object.entries(status?.permissions ?? {}).flatMap(([scope, has]) => (has ? [scope] : []))
  const confined = status?.confined === true && allowed.length === 0 && status.environment.length === 0
  const linux = process.platform === 'linux'
  return [
    {
      layer: 'isolate',
      active: true,
      detail: `isolated-vm ${code.isolatedVmVersion}: a heap and globals of its own per instance; guards bound WebAssembly memory, buffers and clocks`
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
      detail: linux
        ? 'deadlines, answers and resident memory of executors are watched; unproven and quarantined functions have processes of their own'
        : 'deadlines are watched; memory is not (no /proc)'
    },
    ...outer
  ]
}
