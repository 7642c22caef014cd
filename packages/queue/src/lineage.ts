import type { Lineage } from '@peerless/interface'
import { CHAIN_FUNCTIONS_MAX, CHAIN_HOPS_MAX } from './constants.ts'

/** The lineage of an event for `functionName` that `from` leads to. */
export function extend(from: Lineage, functionName: string): Lineage {
  return { root: from.root, hops: { ...from.hops, [functionName]: (from.hops[functionName] ?? 0) + 1 } }
}

/** Whether a chain has come to a function more often than AWS allows, or through more functions than are counted. */
export function isRecursive(lineage: Lineage): boolean {
  const hops = Object.values(lineage.hops)
  return hops.length > CHAIN_FUNCTIONS_MAX || hops.some((count) => count > CHAIN_HOPS_MAX)
}

/** AWS's words (developer guide, "Use Lambda recursive loop detection to prevent infinite loops"). */
export const RECURSIVE_ERROR = {
  errorType: 'RecursiveInvocationException',
  errorMessage: `Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation. A chain may invoke one function ${CHAIN_HOPS_MAX} times.`
} as const
