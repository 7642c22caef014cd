import type { Clock } from '@peerless/interface'
import { TURN_MS_MAX } from './limits.ts'
import type { Executor, Instance, Revision, Running } from './records.ts'

/** Whose calls are on an executor's own thread. */
export interface Turn {
  /** Calls sent that run on the executor's own thread, all of `revision`. */
  calls: number
  revision: Revision | undefined
  /** What waits for them, in order. */
  held: { instance: Instance; call: Running }[] | undefined
  timer: { cancel(): void } | undefined
}

export function newTurn(): Turn {
  return { calls: 0, revision: undefined, held: undefined, timer: undefined }
}

/**
 * Calls of proven, short revisions run on their executor's own thread, one after the other. Should one of them not come back, whatever
 * waits behind it in the pipe is stuck and can not be taken back: nobody knows whether it was begun. So calls of one revision go into the pipe
 * only while no other's are on the thread; they wait here, where they can still go elsewhere, and do so after 20 ms.
 */
export class ThreadTurns {
  readonly #clock: Clock
  readonly #send: (instance: Instance, call: Running) => void
  readonly #elsewhere: (executor: Executor, held: { instance: Instance; call: Running }[]) => void

  constructor(
    clock: Clock,
    send: (instance: Instance, call: Running) => void,
    elsewhere: (executor: Executor, held: { instance: Instance; call: Running }[]) => void
  ) {
    this.#clock = clock
    this.#send = send
    this.#elsewhere = elsewhere
  }

  /** Whether the call may be sent now; if not, it is held. Hot. */
  enter(instance: Instance, call: Running): boolean {
    const { revision } = instance
    const { turn } = instance.executor
    if (turn.held !== undefined || (turn.calls > 0 && turn.revision !== revision)) {
      this.#hold(instance, call)
      return false
    }
    if (revision.manner === 'short') {
      call.onThread = true
      turn.calls++
      turn.revision = revision
    }
    return true
  }

  /** After its answer, or when it is given up. Hot. */
  leave(instance: Instance, call: Running): void {
    if (!call.onThread) return
    call.onThread = false
    const { turn } = instance.executor
    turn.calls--
    if (turn.calls === 0 && turn.held !== undefined) this.#release(turn)
  }

  /** Whose code is on the thread of an executor that does not answer. */
  holderOf({ turn }: Executor): Revision | undefined {
    return turn.calls > 0 ? turn.revision : undefined
  }

  #hold(instance: Instance, call: Running): void {
    const { executor } = instance
    const { turn } = executor
    turn.held ??= []
    turn.held.push({ instance, call })
    turn.timer ??= this.#clock.after(TURN_MS_MAX, () => {
      turn.timer = undefined
      const held = turn.held ?? []
      turn.held = undefined
      this.#elsewhere(executor, held)
    })
  }

  /** The first in the queue and all of its revision that follow it directly; who comes then waits for them. */
  #release(turn: Turn): void {
    turn.timer?.cancel()
    turn.timer = undefined
    const held = turn.held ?? []
    turn.held = undefined
    for (const { instance, call } of held) {
      if (call.done !== undefined && instance.calls.includes(call)) this.#send(instance, call)
    }
  }
}
