import type ivm from 'isolated-vm'

/**
 * Ends isolates that were entered on the executor's own thread and do not come back, from a thread of its own. isolated-vm's `timeout`
 * could do that, but leaves one dead timer per call behind, each of which wakes a thread when its time comes: 40 µs of CPU per call at
 * 10,000 calls a second. Here a call costs three stores into shared memory.
 *
 * The watching code is a loop in an isolate of ours, which has handles of the others and looks every 20 ms whether the entry is still
 * the same. While it loops nobody can tell it of new instances, so it is asked to come out for that, for about a millisecond; should
 * a call hang just then, the daemon's watch from outside ends the whole process.
 */
export class Watchdog {
  readonly #state = new Int32Array(new SharedArrayBuffer(WORDS * 4))
  readonly #command: ivm.Reference<(...values: ivm.Transferable[]) => void>
  readonly #onFailure: (error: unknown) => void
  #pending: [command: number, id: number, isolate: ivm.Isolate | undefined][] = []
  #looping = false

  /** @param onFailure when the loop ended by itself: from then on nothing is watched from here */
  constructor(addon: typeof ivm, onFailure: (error: unknown) => void) {
    const isolate = new addon.Isolate({ memoryLimit: 8 })
    const context = isolate.createContextSync()
    const make = context.evalSync(LOOP, { reference: true }) as ivm.Reference<(shared: unknown) => unknown>
    const shared = new addon.ExternalCopy(this.#state.buffer).copyInto()
    this.#command = make.applySync(undefined, [shared as never], { result: { reference: true } }) as never
    this.#onFailure = onFailure
  }

  /** Before entering an isolate on this thread; `leave` must follow. */
  enter(id: number, leftMs: number): void {
    const state = this.#state
    state[LEFT] = leftMs
    state[ENTERED] = id
    Atomics.add(state, SEQUENCE, 1)
    if (Atomics.load(state, ASLEEP) === 1) this.#wake()
  }

  leave(): void {
    this.#state[ENTERED] = 0
  }

  watch(id: number, isolate: ivm.Isolate): void {
    this.#pending.push([COMMAND_ADD, id, isolate])
    this.#ask()
  }

  /** Takes effect with the next instance that is watched. */
  forget(id: number): void {
    this.#pending.push([COMMAND_REMOVE, id, undefined])
  }

  #ask(): void {
    if (!this.#looping) {
      void this.#loop()
      return
    }
    Atomics.store(this.#state, REQUEST, 1)
    this.#wake()
  }

  #wake(): void {
    Atomics.store(this.#state, WAKE, 1)
    Atomics.notify(this.#state, WAKE)
  }

  async #loop(): Promise<void> {
    this.#looping = true
    try {
      for (;;) {
        const pending = this.#pending
        this.#pending = []
        for (const order of pending) await this.#command.apply(undefined, order)
        await this.#command.apply(undefined, [COMMAND_GUARD])
      }
    } catch (error) {
      this.#onFailure(error)
    }
  }
}

const SEQUENCE = 0
const ENTERED = 1
const LEFT = 2
const WAKE = 3
const ASLEEP = 4
const REQUEST = 5
const WORDS = 6

const COMMAND_ADD = 0
const COMMAND_REMOVE = 1
const COMMAND_GUARD = 2

const TICK_MS = 20
/** A wall clock that jumps must not end a call. */
const STEP_MS_MAX = 100
/** After a second without entries the loop sleeps until it is woken. */
const QUIET_TICKS_MAX = 50

/** Text, because it runs in an isolate. The order of stores and loads around ASLEEP matters: an entry either sees it or is seen. */
const LOOP = `(function (shared) {
  'use strict'
  const state = new Int32Array(shared)
  const isolates = new Map()
  function guard() {
    let last = -1, same = 0, quiet = 0, before = Date.now()
    for (;;) {
      if (quiet >= ${QUIET_TICKS_MAX}) {
        Atomics.store(state, ${ASLEEP}, 1)
        if (Atomics.load(state, ${SEQUENCE}) === last) Atomics.wait(state, ${WAKE}, 0)
        Atomics.store(state, ${ASLEEP}, 0)
        quiet = 0
        before = Date.now()
      } else {
        Atomics.wait(state, ${WAKE}, 0, ${TICK_MS})
      }
      Atomics.store(state, ${WAKE}, 0)
      if (Atomics.exchange(state, ${REQUEST}, 0) === 1) return
      const now = Date.now()
      const step = Math.min(${STEP_MS_MAX}, Math.max(0, now - before))
      before = now
      const sequence = Atomics.load(state, ${SEQUENCE})
      const entered = Atomics.load(state, ${ENTERED})
      if (sequence !== last || entered === 0) {
        quiet = sequence === last ? quiet + 1 : 0
        last = sequence
        same = 0
        continue
      }
      same += step
      if (same < Atomics.load(state, ${LEFT})) continue
      const isolate = isolates.get(entered)
      isolates.delete(entered)
      if (isolate !== undefined) isolate.dispose()
    }
  }
  return function (command, id, isolate) {
    if (command === ${COMMAND_ADD}) isolates.set(id, isolate)
    else if (command === ${COMMAND_REMOVE}) isolates.delete(id)
    else guard()
  }
})`
