/** What makes invocations by itself. Stored in the catalog under `trigger/NAME`; plain data, CBOR-safe. */

interface TriggerBase {
  readonly name: string
  /** Owner: that of the function, at the time when it was made. */
  readonly account: string
  readonly functionName: string
  readonly qualifier: string | undefined
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly modifiedAt: number
  readonly paused: boolean
}

/** Fires at times. See packages/events for the expressions. */
export interface ScheduleTrigger extends TriggerBase {
  readonly type: 'schedule'
  /** `rate(5 minutes)`, `cron(0 9 ? * MON-FRI *)`, five-field cron, or `at(2026-01-01T09:00:00)`. */
  readonly expression: string
  /** IANA name; UTC where none is given. Rates ignore it. */
  readonly timezone: string
  /** Each firing is put off by up to so many minutes, the same number on every node. */
  readonly windowMinutes: number
  /** JSON text that replaces the event; undefined sends EventBridge's. */
  readonly input: string | undefined
  /** What becomes of firings that nobody was awake for: none, or only the last of them. */
  readonly missed: 'skip' | 'one'
  /** Epoch milliseconds, inclusive and exclusive. */
  readonly startAt: number | undefined
  readonly endAt: number | undefined
}

export type TriggerRecord = ScheduleTrigger

/** The last firing of a schedule whose missed firings are made up for. Stored under `firing/NAME`. */
export interface FiringRecord {
  readonly name: string
  /** That of the trigger; undefined in records of versions that did not note it. */
  readonly account?: string | undefined
  /** That of the trigger: one that was made anew under the name is another. */
  readonly createdAt: number
  readonly scheduledAt: number
}

/** What a person says of a schedule that is to be made; the rest has defaults. */
export interface ScheduleOrder {
  readonly name: string
  readonly functionName: string
  readonly qualifier?: string | undefined
  readonly expression: string
  readonly timezone?: string | undefined
  readonly windowMinutes?: number | undefined
  readonly input?: string | undefined
  readonly missed?: 'skip' | 'one' | undefined
  readonly startAt?: number | undefined
  readonly endAt?: number | undefined
  readonly paused?: boolean | undefined
}

export interface TriggerStatus {
  readonly trigger: TriggerRecord
  /** Epoch milliseconds of the next firing; undefined when there is none any more, or it is paused. */
  readonly nextAt: number | undefined
  /** Peer id of the node that fires it now. */
  readonly owner: string
}

/** Implemented in packages/events. */
export interface Triggers {
  /** @throws PeerlessError CONFLICT (the name is taken), NOT_FOUND (no such function), INVALID_ARGUMENT */
  addSchedule(order: ScheduleOrder): Promise<TriggerStatus>
  /** In order of name. */
  list(): TriggerStatus[]
  get(name: string): TriggerStatus | undefined
  /** @throws NOT_FOUND */
  setPaused(name: string, paused: boolean): Promise<TriggerStatus>
  /** @throws NOT_FOUND */
  remove(name: string): Promise<void>
}
