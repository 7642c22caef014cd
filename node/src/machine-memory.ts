import { totalmem } from 'node:os'

/** The rest is for everything else that runs on the machine, and for what is held until the next look. */
const SHARE = 0.8
const MB = 1_048_576

/** Megabytes that a node may hold where its operator does not say: a share of the machine's memory, or of what its control group allows. */
export function machineMemoryMb(): number {
  // 0, or more than there is, where no group is a bound.
  const allowed = process.constrainedMemory()
  const total = allowed > 0 ? Math.min(totalmem(), allowed) : totalmem()
  return Math.floor((total / MB) * SHARE)
}
