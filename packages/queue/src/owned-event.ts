import type { EventState, QueuedEvent, StoredEvent } from './event.ts'
import { encodeMeta, laneOf } from './event.ts'

/**
 * `storing`: not accepted yet. `limbo`: left over from before a start, or from a sleep longer than the lease, or
 * made under an id that others may have made meanwhile; whether it is this node's is asked.
 * `waiting`: in its lane or delayed. `running`: an attempt is under way. `settling`: over, and its end is being written. `gone`: settled, or another's.
 */
type Phase = 'storing' | 'limbo' | 'waiting' | 'running' | 'settling' | 'gone'

/** An event that this node owns: it alone runs it. */
export class OwnedEvent {
  readonly event: QueuedEvent
  /** Lane in which it waits: its function, or the address it goes to. */
  readonly lane: string
  /** Whose turn it has; '' where an earlier version accepted it. */
  readonly account: string
  readonly bytes: number
  /** undefined when only the disk has it. */
  payload: Uint8Array | undefined
  phase: Phase
  /** In limbo: whether an attempt of it may have begun that nobody can tell of. */
  mayHaveRun = true
  term: number
  starts: number
  failures: number
  notBefore: number
  holders: readonly string[] = []

  constructor({ event, state }: StoredEvent, bytes: number, payload: Uint8Array | undefined, phase: Phase) {
    this.event = event
    this.lane = laneOf(event)
    this.account = event.account ?? ''
    this.bytes = bytes
    this.payload = payload === undefined ? undefined : alone(payload)
    this.phase = phase
    this.term = state.term
    this.starts = state.starts
    this.failures = state.failures
    this.notBefore = state.notBefore
    this.holders = state.holders
  }

  get id(): string {
    return this.event.id
  }

  get state(): EventState {
    const { term, starts, failures, notBefore, holders } = this
    return { term, starts, failures, notBefore, holders }
  }

  meta(): Uint8Array {
    return encodeMeta(this)
  }
}

/**
 * Bytes that wait for long hold no others: an event's are a part of what the socket read, often a few bytes behind a long head, which would stay with them and
 * which no bound counts.
 */
function alone(payload: Uint8Array): Uint8Array {
  return payload.buffer.byteLength > 2 * payload.length ? new Uint8Array(payload) : payload
}
