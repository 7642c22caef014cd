import type { Lineage } from './async.ts'

/** AWS: a chain is stopped when it has invoked one function about 16 times. */
export const CHAIN_HOPS_MAX = 16
/** Functions in one lineage: it travels in a header, with about 12 characters for each. Above, the chain is over as well. */
export const CHAIN_FUNCTIONS_MAX = 64
/** Longer than any header that was made here. */
const TRACE_CHARS_MAX = 2_048

/** AWS's words (developer guide, "Use Lambda recursive loop detection to prevent infinite loops"). */
export const RECURSIVE_ERROR = {
  errorType: 'RecursiveInvocationException',
  errorMessage: `Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped your function's invocation. A chain may invoke one function ${CHAIN_HOPS_MAX} times.`
} as const

/**
 * What stands for a function in a lineage: 8 hex digits (FNV-1a). Names would tell every server that a function calls who called the function. Two functions
 * of one chain with the same mark count as one: one in 2^32.
 */
export function lineageMark(functionName: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < functionName.length; index++) {
    hash = Math.imul(hash ^ functionName.charCodeAt(index), 0x01000193)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** The lineage of a call of `functionName` that `from` leads to. */
export function extendLineage(from: Lineage, functionName: string): Lineage {
  const mark = lineageMark(functionName)
  return { root: from.root, hops: { ...from.hops, [mark]: (from.hops[mark] ?? 0) + 1 } }
}

/** Whether a chain has come to a function more often than AWS allows, or through more functions than are counted. */
export function isRecursive(lineage: Lineage): boolean {
  const hops = Object.values(lineage.hops)
  return hops.length > CHAIN_FUNCTIONS_MAX || hops.some((count) => count > CHAIN_HOPS_MAX)
}

/**
 * `X-Amzn-Trace-Id` of a call in a chain, as Lambda has it: AWS's SDKs take it from the environment of a function and send it along, and so does the broker of
 * outbound requests. `Root` is the request id that began the chain.
 */
export function traceOf(lineage: Lineage, requestId: string): string {
  const hops = Object.entries(lineage.hops).map(([mark, count]) => `${mark}:${count}`)
  return traceHead(lineage.root, requestId) + hops.join('|')
}

/** The same for a call that begins a chain. */
export function firstTrace(requestId: string, functionName: string): string {
  return `${traceHead(requestId, requestId)}${lineageMark(functionName)}:1`
}

function traceHead(root: string, requestId: string): string {
  const hex = root.replaceAll('-', '')
  return `Root=1-${hex.slice(0, 8)}-${hex.slice(8)};Parent=${requestId.replaceAll('-', '').slice(16)};Sampled=0;Lineage=`
}

const ROOT = /(?:^|;)\s*Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)/i
const LINEAGE = /(?:^|;)\s*Lineage=([0-9a-f:|]+)(?:;|$)/i
const HOP = /^([0-9a-f]{8}):(\d{1,6})$/

/**
 * What an `X-Amzn-Trace-Id` says of where a call comes from; undefined where it says nothing. What is malformed in it is taken for not there: whoever sends it
 * can leave it out as well.
 */
export function lineageOf(alleged: string | undefined): Lineage | undefined {
  if (alleged === undefined || alleged.length > TRACE_CHARS_MAX) return undefined
  const [, seconds, rest] = ROOT.exec(alleged) ?? []
  if (seconds === undefined || rest === undefined) return undefined
  const hex = (seconds + rest).toLowerCase()
  const root = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  const hops: Record<string, number> = {}
  for (const hop of LINEAGE.exec(alleged)?.[1]?.split('|') ?? []) {
    const [, mark, count] = HOP.exec(hop) ?? []
    if (mark !== undefined) hops[mark] = Number(count)
  }
  return { root, hops }
}
