/** Where the milliseconds of a first call go: what the node says of each start, beside what the client saw. */
import { cli, type Node } from './servers.ts'

interface Started {
  function: string
  startStagesMs?: Record<string, number>
}

export interface FirstCall {
  readonly name: string
  /** From sending the request to its last byte, milliseconds. */
  readonly ms: number
  /** What the node measured of the handler, milliseconds. */
  readonly handlerMs: number
}

/** Medians by stage, in order; `http, routing, ledger` is what no other stage says. */
export async function breakdown(node: Node, calls: readonly FirstCall[]): Promise<[stage: string, ms: number][]> {
  const { node: status } = JSON.parse(await cli(node, 'top', '--json')) as { node: { instances: Started[] } }
  const starts = new Map(status.instances.map(({ function: name, startStagesMs }) => [name, startStagesMs ?? {}]))
  const rows = calls.map(({ name, ms, handlerMs }) => {
    const stages = { ...starts.get(name), 'first run of the handler': handlerMs }
    const known = Object.values(stages).reduce((sum, one) => sum + one, 0)
    return { ...stages, 'http, routing, the rest': ms - known, whole: ms }
  })
  return Object.keys(rows[0] ?? {}).map((stage) => [
    stage,
    median(rows.map((row) => (row as Record<string, number>)[stage] ?? 0))
  ])
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
