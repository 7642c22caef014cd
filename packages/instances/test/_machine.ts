import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import type { Instances } from '../src/index.ts'

/** Whether a layer of isolation is active here; where it is not, the test says why it proves nothing. */
export function isActive(t: ExecutionContext, instances: Instances, layer: string): boolean {
  const found = instances.isolation().find((one) => one.layer === layer)
  if (found?.active === true) return true
  t.log(`skipped: ${layer}: ${found?.detail}`)
  t.pass()
  return false
}

/** A process and all below it. */
export function withDescendants(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(withDescendants)]
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number)
      .filter((one) => one > 0)
  } catch {
    // It ended between two looks.
    return []
  }
}
