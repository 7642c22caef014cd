import type { SandboxCode } from '@peerless/sandbox'
import { batchLauncher } from './batch-launcher.ts'
import { type Confinement, findConfinement } from './confinement.ts'
import { ControlGroups } from './control-groups.ts'
import type { Layer } from './isolation.ts'
import type { InstancesOptions } from './types.ts'

/** What the machine offers to hold executors with. */
export interface Machine {
  confinement: Confinement
  groups: ControlGroups | undefined
  /** Each means of the operating system: what it does, or why it is not used. */
  layers: readonly Layer[]
}

/** Tries what is there. Never throws. */
export async function findMachine({ addonPath }: SandboxCode, options: InstancesOptions): Promise<Machine> {
  const { clock, random, logger, nodePath, slots } = options
  const confinement = await findConfinement(nodePath, addonPath, await batchLauncher())
  if (slots === 0) return { confinement, groups: undefined, layers: confinement.layers }
  const opened = await ControlGroups.open({ clock, random, logger })
  const groups = opened instanceof ControlGroups ? opened : undefined
  return { confinement, groups, layers: [...confinement.layers, opened instanceof ControlGroups ? opened.layer : opened] }
}
