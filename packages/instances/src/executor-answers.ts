import { PeerlessError } from '@peerless/interface'
import { type ExecutorStatus, type LoadedHeader, type LogHeader, type ResultHeader, START_STAGES } from '@peerless/sandbox'

const NAMES_MAX = 64

/**
 * What an executor sends is alleged: guest code may have taken the process over. Each check costs a few comparisons, because one of them
 * is made for every call.
 */

/** @throws PeerlessError MALFORMED */
export function checkedResult(alleged: unknown): ResultHeader {
  if (Array.isArray(alleged)) {
    const [status, durationUs, cpuUs, memoryMb, flags, statusCode, headers] = alleged
    const numbers = isCount(status) && isCount(durationUs) && isCount(cpuUs) && isCount(memoryMb) && isCount(flags)
    if (numbers && (statusCode === undefined || isHead(statusCode, headers))) return alleged as ResultHeader
  }
  throw new PeerlessError('MALFORMED', 'an answer to INVOKE begins with five counts')
}

/** @throws PeerlessError MALFORMED */
export function checkedLoaded(alleged: unknown): LoadedHeader {
  if (Array.isArray(alleged) && isCount(alleged[0]) && isCount(alleged[1]) && isCount(alleged[2]) && isStages(alleged[3])) {
    return alleged as LoadedHeader
  }
  throw new PeerlessError('MALFORMED', 'an answer to LOAD is three counts')
}

function isStages(alleged: unknown): boolean {
  return alleged === undefined || (Array.isArray(alleged) && alleged.length <= START_STAGES.length && alleged.every(isCount))
}

/** @throws PeerlessError MALFORMED */
export function checkedLog(alleged: unknown): LogHeader {
  if (Array.isArray(alleged)) {
    const [instance, requestId, level, timeMs, dropped] = alleged
    const numbers = isCount(instance) && isCount(level) && isCount(dropped) && isTime(timeMs)
    if (numbers && typeof requestId === 'string') return alleged as LogHeader
  }
  throw new PeerlessError('MALFORMED', 'a log line begins with instance, request id, level, time and count')
}

/** @throws PeerlessError MALFORMED */
export function checkedStatus(alleged: unknown): ExecutorStatus {
  if (typeof alleged === 'object' && alleged !== null) {
    const { pid, nodeVersion, v8Version, confined, permissions, environment, instances, heapUsedMb } = alleged as Record<
      string,
      unknown
    >
    const numbers = isCount(pid) && isCount(instances) && isCount(heapUsedMb)
    const lists = isRecord(permissions) && Array.isArray(environment) && environment.length <= NAMES_MAX
    if (numbers && lists && typeof nodeVersion === 'string' && typeof v8Version === 'string') {
      const scopes = Object.entries(permissions).slice(0, NAMES_MAX)
      return {
        pid,
        nodeVersion,
        v8Version,
        confined: confined === true,
        permissions: Object.fromEntries(scopes.map(([scope, has]) => [scope, has === true])),
        environment: environment.map(String),
        instances,
        heapUsedMb
      }
    }
  }
  throw new PeerlessError('MALFORMED', 'the status of an executor has process, versions and permissions')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}

/** ECMAScript, "Time Values": beyond this no date can be written. */
function isTime(value: unknown): boolean {
  return isCount(value) && value <= 8.64e15
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The gateway checks what the texts contain when it writes them. */
function isHead(statusCode: unknown, headers: unknown): boolean {
  if (!isCount(statusCode) || statusCode < 200 || statusCode > 599 || !Array.isArray(headers)) return false
  for (const text of headers) if (typeof text !== 'string') return false
  return headers.length % 2 === 0
}
