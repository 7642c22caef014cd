import type { HttpHead, Invocation, Outcome, Ran, Usage } from '@peerless/interface'
import { chargeOf, PeerlessError, TARIFF_DEFAULT } from '@peerless/interface'
import {
  exitErrorJson,
  type LoadedHeader,
  memoryErrorJson,
  RESULT_STATUSES,
  type ResultHeader,
  START_STAGES,
  timeoutErrorJson
} from '@peerless/sandbox'
import type { Instance, Running } from './records.ts'
import { lost } from './refusals.ts'

type RanStatus = Ran['status']

/** The outcome of a call that the executor answered. */
export function answered(node: string, instance: Instance, call: Running, header: ResultHeader, payload: Uint8Array): Ran {
  const status = RESULT_STATUSES[header[0]] ?? 'exit'
  const memory = header[3]
  return {
    status,
    payload,
    http:
      call.invocation.kind === 'http' && status === 'ok' ? { statusCode: header[5] ?? 200, headers: header[6] ?? [] } : undefined,
    usage: {
      node,
      instance: instance.name,
      durationMs: header[1] / 1_000,
      initMs: call.initMs,
      cpuMs: header[2] / 1_000,
      memoryMb: call.invocation.version.memoryMb,
      memoryUsedMb: memory === 0 ? undefined : memory,
      cold: call.cold
    },
    streamedBytes: call.intake?.bytes,
    logTail: undefined
  }
}

/** Status and headers of a streamed answer. The executor has checked what they contain. @throws PeerlessError MALFORMED */
export function headOfExecutor(statusCode: unknown, headers: unknown): HttpHead {
  if (typeof statusCode === 'number' && Array.isArray(headers) && headers.every((one) => typeof one === 'string')) {
    return { statusCode, headers }
  }
  throw new PeerlessError('MALFORMED', 'a streamed answer begins with [status code, headers]')
}

/** The outcome of a call that only the daemon can tell: the executor is gone or says nothing. */
export function ended(
  node: string,
  instance: Instance,
  call: Running,
  status: RanStatus,
  errorJson: string,
  durationMs: number
): Ran {
  return {
    status,
    payload: Buffer.from(errorJson),
    http: undefined,
    usage: {
      node,
      instance: instance.name,
      durationMs,
      initMs: call.initMs,
      cpuMs: undefined,
      memoryMb: call.invocation.version.memoryMb,
      memoryUsedMb: undefined,
      cold: call.cold
    },
    streamedBytes: call.intake?.bytes,
    logTail: undefined
  }
}

/** What a call is told whose executor went away. */
export function severed(node: string, instance: Instance, call: Running, now: number): Outcome {
  const { killedFor: reason, culprit } = instance.executor
  const { requestId, version } = call.invocation
  const durationMs = Math.max(0, now - call.startedAt)
  const timeoutMs = version.timeoutSeconds * 1_000
  if (reason === 'memory') return ended(node, instance, call, 'exit', memoryErrorJson(requestId, version.memoryMb), durationMs)
  if (reason === undefined) {
    const json = exitErrorJson(requestId, 'Runtime exited without providing a reason')
    return ended(node, instance, call, 'exit', json, durationMs)
  }
  // The process was ended for one call; of the others in it, those whose own time was up are no losses.
  if (culprit === call || (reason === 'deadline' && durationMs >= timeoutMs)) {
    return ended(node, instance, call, 'timeout', timeoutErrorJson(requestId, timeoutMs), Math.min(durationMs, timeoutMs))
  }
  return lost(node, `the executor of function '${call.invocation.functionName}' was ended (${reason}) while the call ran`)
}

/** Billed milliseconds at the default tariff, for the log line only; the ledger charges by its own. */
export function billedMsOf(usage: Usage, invocation: Invocation): number {
  return chargeOf(usage.durationMs, invocation.version.memoryMb, TARIFF_DEFAULT).billedMs
}

/** Where a start's time went: the bundle's way into memory, the executor's stages, and the way to the executor and back. */
export function noteStart(instance: Instance, [, initUs, , stagesUs]: LoadedHeader, bundleMs: number, now: number): void {
  const stages = START_STAGES.map((name, index) => [name, (stagesUs?.[index] ?? 0) / 1_000])
  const pipe = Math.max(0, now - instance.startedAt - bundleMs - initUs / 1_000)
  instance.lastUsedAt = now
  instance.startStagesMs = { bundle: bundleMs, pipe, ...Object.fromEntries(stages) }
}

/** What the instance did and used, for those who look at it and for the reaper. The numbers are the executor's, read by `executor-answers.ts`. */
export function noteUse(instance: Instance, call: Running, [, durationUs, cpuUs, memoryMb]: ResultHeader, well: boolean): void {
  instance.lastUsedAt = call.startedAt + durationUs / 1_000
  if (!well) instance.errors++
  instance.cpuUs += cpuUs
  instance.usedMb = memoryMb
}
