import { type Clock, type Invocation, LIMITS, type LogLine, type Outcome } from '@peerless/interface'
import { LOG_LEVELS, type LogHeader } from '@peerless/sandbox'
import { CallLog } from './call-log.ts'
import { billedMsOf } from './outcomes.ts'
import type { Instance, Running } from './records.ts'

/** The logs of calls under way, and the moment at which each is told how it ended. */
export class CallLogs {
  readonly #nodeId: string
  readonly #clock: Clock
  readonly #onLine: ((account: string, line: LogLine) => void) | undefined

  constructor(nodeId: string, clock: Clock, onLine: ((account: string, line: LogLine) => void) | undefined) {
    this.#nodeId = nodeId
    this.#clock = clock
    this.#onLine = onLine
  }

  open(invocation: Invocation, instanceName: string): CallLog {
    return new CallLog(invocation, instanceName, this.#nodeId, this.#onLine)
  }

  /** A line that an executor sent. */
  line(instance: Instance, [, requestId, level, time]: LogHeader, text: Uint8Array): void {
    // Lines of initialisation belong to the call that it is for.
    const call = instance.calls.find(({ invocation }) => invocation.requestId === requestId) ?? instance.calls[0]
    if (call === undefined) return
    call.log ??= this.open(call.invocation, instance.name)
    // An executor that was taken over keeps to no bound: a line as large as a frame would fit into no page of logs, and end their reading there.
    const bytes = Math.min(text.byteLength, LIMITS.logLineBytesMax)
    call.log.line(time, LOG_LEVELS[level] ?? 'info', Buffer.from(text.buffer, text.byteOffset, bytes).toString())
  }

  /** Writes the call's last lines, then hands the outcome on; nothing is told twice. */
  tell(call: Running, outcome: Outcome): void {
    const done = call.done
    call.done = undefined
    if (done === undefined) return
    if (
      outcome.status === 'refused' ||
      outcome.status === 'lost' ||
      (call.log === undefined && outcome.status === 'ok' && !call.cold)
    ) {
      done(outcome)
      return
    }
    const log = call.log ?? this.open(call.invocation, outcome.usage.instance)
    const { usage, status } = outcome
    const error = status === 'ok' ? undefined : outcome.payload
    const tail = log.end(this.#clock.now(), usage, billedMsOf(usage, call.invocation), status, error)
    done(tail === undefined ? outcome : { ...outcome, logTail: tail })
  }
}
