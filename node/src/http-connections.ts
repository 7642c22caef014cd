import { readFile } from 'node:fs/promises'
import { GATEWAY_LIMITS } from '@peerless/gateway'

/** The rest is for peers, executors, files and what functions ask of the outside: clients that only hold connections open must not take it. */
const SHARE = 0.5

/** HTTP connections that a node takes at once: as many as the gateway's bound, where the system lets the process open so many files. */
export async function httpConnectionsMax(): Promise<number> {
  try {
    return connectionsWithin(await readFile('/proc/self/limits', 'utf8'))
  } catch {
    // Only Linux says it so.
    return GATEWAY_LIMITS.connectionsMax
  }
}

/** @param limits of a process as Linux lists them; Node has raised the soft one to the hard one at its start */
export function connectionsWithin(limits: string): number {
  const files = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return Math.min(
    GATEWAY_LIMITS.connectionsMax,
    files === undefined ? Number.POSITIVE_INFINITY : Math.floor(Number(files) * SHARE)
  )
}
