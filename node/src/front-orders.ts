import { PeerlessError } from '@peerless/interface'
import type { NodeOptions } from './options.ts'

/** What the first front knows once it serves. */
export interface MachineParts {
  /** Peer id of the first front. */
  readonly machine: string
  readonly name: string
  readonly httpPort: number
  /** Of loopback: see FrontOptions. */
  readonly firstPort: number
  /** Of the whole machine. */
  readonly slots: number
  readonly memoryMb: number
}

/** How the fronts after the first are started: each with its share of slots and memory, a folder of its own, and the mesh's port that many further on. */
export function furtherFronts(options: NodeOptions, parts: MachineParts): NodeOptions[] {
  const { fronts = 1, sample: _, ...rest } = options
  return Array.from({ length: fronts - 1 }, (_, index) => {
    const number = index + 2
    return {
      ...rest,
      dataDirectory: `${options.dataDirectory}/fronts/${number}`,
      http: { host: options.http.host, port: parts.httpPort },
      listen: options.listen.map((address) => portFurtherOn(address, number - 1)),
      join: undefined,
      name: parts.name,
      slots: shareOf(parts.slots, number, fronts),
      memoryMb: shareOf(parts.memoryMb, number, fronts),
      front: { number, count: fronts, machine: parts.machine, firstPort: parts.firstPort }
    }
  })
}

/** A daemon and one executor take about that. */
const MEMORY_MB_MIN = 256

/** @throws PeerlessError INVALID_ARGUMENT where there is too little memory for so many */
export function checkFronts(fronts: number, memoryMb: number): void {
  if (fronts === 1 || shareOf(memoryMb, fronts, fronts) >= MEMORY_MB_MIN) return
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `${fronts} fronts would have ${Math.floor(memoryMb / fronts)} MB each of the ${memoryMb} MB that this machine may use; each needs ${MEMORY_MB_MIN}: start fewer`
  )
}

/** What one of `count` fronts has of a whole number; the first ones have what does not divide. */
export function shareOf(total: number, number: number, count: number): number {
  return Math.floor(total / count) + (number <= total % count ? 1 : 0)
}

/**
 * How the fronts of a machine share its cores: an executor waits awake for its next call for a moment, so where there are more executors than cores they take
 * the time of those that work.
 */
export function coresOf(fronts: number, cores: number): { cores?: number; executorsPerAccountMax?: number } {
  if (fronts === 1) return {}
  const own = Math.max(1, Math.floor(cores / fronts))
  return { cores: own, ...(own === 1 ? { executorsPerAccountMax: 1 } : {}) }
}

/** Port 0, any free one, stays. */
function portFurtherOn(address: string, by: number): string {
  return address.replace(/\/tcp\/([1-9]\d*)/, (_, port) => `/tcp/${Number(port) + by}`)
}
