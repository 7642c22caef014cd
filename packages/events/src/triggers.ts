import {
  type Catalog,
  type Clock,
  FUNCTION_NAME,
  PeerlessError,
  type Random,
  resolveFunction,
  type ScheduleOrder,
  type ScheduleTrigger,
  type TriggerStatus,
  type Triggers
} from '@peerless/interface'
import { ACCOUNT_TRIGGERS_MAX, INPUT_CHARACTERS_MAX, TRIGGER_NAME, TRIGGERS_MAX, WINDOW_MINUTES_MAX } from './constants.ts'
import { parseExpression } from './expression.ts'
import type { Scheduler } from './scheduler.ts'

/** Triggers in the catalog: made here, known everywhere. */
export class CatalogTriggers implements Triggers {
  readonly #o: { catalog: Catalog; clock: Clock; random: Random; scheduler: Scheduler }

  constructor(options: { catalog: Catalog; clock: Clock; random: Random; scheduler: Scheduler }) {
    this.#o = options
  }

  async addSchedule(order: ScheduleOrder): Promise<TriggerStatus> {
    const { catalog, clock, random } = this.#o
    const { name, functionName, qualifier, expression } = order
    check(TRIGGER_NAME.test(name), `trigger name '${name.slice(0, 64)}' must be 1 to 64 letters, digits, '-', '_' or '.'`)
    check(FUNCTION_NAME.test(functionName), `function '${functionName.slice(0, 64)}' must be a function name`)
    this.#mustBeFree(name)
    const record = catalog.get('function', functionName)
    if (record === undefined || resolveFunction(catalog, record, qualifier, random) === undefined)
      throw new PeerlessError(
        'NOT_FOUND',
        `there is no function '${functionName}${qualifier === undefined ? '' : `:${qualifier}`}' in this mesh`
      )
    const all = catalog.list('trigger')
    check(all.length < TRIGGERS_MAX, `a mesh has at most ${TRIGGERS_MAX} triggers`)
    check(
      all.filter(({ account }) => account === record.account).length < ACCOUNT_TRIGGERS_MAX,
      `account '${record.account}' has ${ACCOUNT_TRIGGERS_MAX} triggers, as many as one account may have`
    )
    const now = clock.now()
    const trigger: ScheduleTrigger = {
      type: 'schedule',
      name,
      account: record.account,
      functionName,
      qualifier,
      createdAt: now,
      modifiedAt: now,
      paused: order.paused ?? false,
      expression: expression.trim(),
      timezone: order.timezone ?? 'UTC',
      windowMinutes: order.windowMinutes ?? 0,
      input: order.input,
      missed: order.missed ?? 'skip',
      startAt: order.startAt,
      endAt: order.endAt
    }
    checkSchedule(trigger, now)
    await catalog.inTurn('trigger', name, () => {
      this.#mustBeFree(name)
      return catalog.put('trigger', name, trigger)
    })
    return this.#status(trigger)
  }

  list(): TriggerStatus[] {
    return this.#o.catalog.list('trigger').map((trigger) => this.#status(trigger))
  }

  get(name: string): TriggerStatus | undefined {
    const trigger = TRIGGER_NAME.test(name) ? this.#o.catalog.get('trigger', name) : undefined
    return trigger === undefined ? undefined : this.#status(trigger)
  }

  async setPaused(name: string, paused: boolean): Promise<TriggerStatus> {
    this.#existing(name)
    return await this.#o.catalog.inTurn('trigger', name, async () => {
      const trigger = this.#existing(name)
      const changed = { ...trigger, paused, modifiedAt: this.#o.clock.now() }
      if (trigger.paused !== paused) await this.#o.catalog.put('trigger', name, changed)
      return this.#status(changed)
    })
  }

  async remove(name: string): Promise<void> {
    this.#existing(name)
    const { catalog } = this.#o
    await catalog.inTurn('trigger', name, async () => {
      await catalog.remove('trigger', name)
      await catalog.remove('firing', name)
    })
  }

  #mustBeFree(name: string): void {
    if (this.#o.catalog.get('trigger', name) !== undefined)
      throw new PeerlessError('CONFLICT', `there is a trigger '${name}' already; remove it first, or choose another name`)
  }

  #existing(name: string): ScheduleTrigger {
    const trigger = TRIGGER_NAME.test(name) ? this.#o.catalog.get('trigger', name) : undefined
    if (trigger === undefined) throw new PeerlessError('NOT_FOUND', `there is no trigger '${name.slice(0, 64)}' in this mesh`)
    return trigger
  }

  #status(trigger: ScheduleTrigger): TriggerStatus {
    const { scheduler } = this.#o
    return { trigger, nextAt: scheduler.nextAt(trigger.name), owner: scheduler.ownerOf(trigger.name) }
  }
}

/** @throws INVALID_ARGUMENT naming value and rule */
function checkSchedule(trigger: ScheduleTrigger, now: number): void {
  const { expression, timezone, windowMinutes, input, startAt, endAt } = trigger
  const times = parseExpression(expression, timezone, { anchor: now, startAt, endAt })
  check(
    Number.isInteger(windowMinutes) && windowMinutes >= 0 && windowMinutes <= WINDOW_MINUTES_MAX,
    `window of ${windowMinutes} minutes must be a whole number from 0 to ${WINDOW_MINUTES_MAX}`
  )
  for (const [name, at] of [
    ['start', startAt],
    ['end', endAt]
  ] as const) {
    check(at === undefined || (Number.isInteger(at) && at >= 0 && at <= 8.64e15), `${name} ${at} must be epoch milliseconds`)
  }
  check(startAt === undefined || endAt === undefined || startAt < endAt, `start ${startAt} must lie before end ${endAt}`)
  check(
    (input?.length ?? 0) <= INPUT_CHARACTERS_MAX,
    `an input of ${input?.length} characters must have at most ${INPUT_CHARACTERS_MAX}`
  )
  check(times.next(now) !== undefined, `'${expression.slice(0, 100)}' never fires from now on`)
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new PeerlessError('INVALID_ARGUMENT', message)
}
