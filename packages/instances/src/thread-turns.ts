import type { Clock } from '@peerless/interface'
import { afterReading } from './after-reading.ts'
import { MUTE_MS_MAX, MUTE_ROUNDS_MAX, TURN_MS_MIN } from './limits.ts'
import type { Executor, Instance, Revision, Running } from './records.ts'

interface HeldCall {
  instance: Instance
  call: Running
}

/** Whose calls are on an executor's own thread. */
export interface Turn {
  /** Those that were sent, all of `revision`. */
  readonly calls: Set<Running>
  revision: Revision | undefined
  /** What waits for them, in order. */
  held: HeldCall[] | undefined
  timer: { cancel(): void } | undefined
  /** The executor was asked to take them off its thread, and has not answered. */
  asked: boolean
  /** Calls that have ended there, so that it can be seen whether any does. */
  ended: number
}

export function newTurn(): Turn {
  return { calls: new Set(), revision: undefined, held: undefined, timer: undefined, asked: false, ended: 0 }
}

/**
 * Calls of proven, short revisions run on their executor's own thread, one after the other. Should one of them not come back, whatever
 * waits behind it in the pipe is stuck and can not be taken back: nobody knows whether it was begun. So calls of one revision go into the pipe
 * only while no other's are on the thread; they wait here, where they can still go elsewhere.
 *
 * Most calls that take long compute little: they wait for a timer or somebody's answer, and hold up nobody meanwhile. Only the executor knows, so it is asked:
 * it has calls under way go on on threads of their own, and its answer says that its own is free. One that does not answer has a call that does not come back.
 */
export class ThreadTurns {
  readonly #clock: Clock
  readonly #send: (instance: Instance, call: Running) => void
  readonly #elsewhere: (executor: Executor, held: HeldCall[]) => void
  readonly #answers: (executor: Executor) => void

  /**
   * @param elsewhere the executor does not come back from what is on its thread; calls that were not sent there, because of that
   * @param answers it has come back
   */
  constructor(
    clock: Clock,
    send: (instance: Instance, call: Running) => void,
    elsewhere: (executor: Executor, held: HeldCall[]) => void,
    answers: (executor: Executor) => void
  ) {
    this.#clock = clock
    this.#send = send
    this.#elsewhere = elsewhere
    this.#answers = answers
  }

  /** Whether the call may be sent now; if not, it is held. Hot. */
  enter(instance: Instance, call: Running): boolean {
    const { revision } = instance
    const { turn } = instance.executor
    if (turn.held !== undefined || (turn.calls.size > 0 && turn.revision !== revision)) {
      this.#hold(instance, call)
      return false
    }
    if (revision.manner === 'short') {
      call.onThread = true
      turn.calls.add(call)
      turn.revision = revision
    }
    return true
  }

  /** After its answer, or when it is given up. Hot. */
  leave(instance: Instance, call: Running): void {
    instance.executor.turn.ended++
    if (call.onThread) this.#leave(instance.executor, call)
  }

  /** Whose code is on the thread of an executor that does not answer. */
  holderOf({ turn }: Executor): Revision | undefined {
    return turn.calls.size > 0 ? turn.revision : undefined
  }

  /** Has calls that are on the executor's thread leave it, unless it was asked already. */
  ask(executor: Executor): void {
    const { turn } = executor
    if (turn.asked) return
    turn.asked = true
    // What is sent from now on is behind the question in the pipe.
    const before = [...turn.calls]
    const timer = this.#watch(executor)
    executor.process.stepAside((error) => {
      timer()
      turn.asked = false
      // With the process its calls end, and with them what waits here.
      if (error !== undefined) return
      for (const call of before) this.#leave(executor, call)
      this.#answers(executor)
      if (turn.held !== undefined && turn.timer === undefined) this.ask(executor)
    })
  }

  /**
   * Looks until the executor has answered, or is gone. While calls or starts end there it mostly comes back, though late; else what waits goes elsewhere, and what comes
   * after that, too: an executor that told something else is used again before it has answered. Returns what stops it.
   */
  #watch(executor: Executor, round = 1): () => void {
    const { turn } = executor
    const seen = [turn.ended, executor.startedAt]
    let timer = this.#clock.after(MUTE_MS_MAX, () => {
      timer = afterReading(this.#clock, () => {
        const mute = turn.ended === seen[0] && executor.startedAt === seen[1]
        const over = mute || round >= MUTE_ROUNDS_MAX
        if (over) this.#elsewhere(executor, takeHeld(turn))
        stop = this.#watch(executor, over ? 1 : round + 1)
      })
    })
    let stop = () => timer.cancel()
    return () => stop()
  }

  #leave(executor: Executor, call: Running): void {
    const { turn } = executor
    if (!turn.calls.delete(call)) return
    call.onThread = false
    if (turn.calls.size === 0 && turn.held !== undefined) this.#release(turn)
  }

  #hold(instance: Instance, call: Running): void {
    const { executor } = instance
    const { turn } = executor
    turn.held ??= []
    turn.held.push({ instance, call })
    turn.timer ??= this.#clock.after(TURN_MS_MIN, () => {
      turn.timer = undefined
      this.ask(executor)
    })
  }

  /** The first in the queue and all of its revision that follow it directly; who comes then waits for them. */
  #release(turn: Turn): void {
    for (const { instance, call } of takeHeld(turn)) {
      if (call.done !== undefined && instance.calls.includes(call)) this.#send(instance, call)
    }
  }
}

function takeHeld(turn: Turn): HeldCall[] {
  turn.timer?.cancel()
  turn.timer = undefined
  const held = turn.held ?? []
  turn.held = undefined
  return held
}
