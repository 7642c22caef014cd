import { TELL } from '../bridge-operations.ts'
import { tell } from './bridge.guest.ts'
import { now } from './intrinsics.guest.ts'

/** Taken before the guards take them away; nothing else gets hold of them. */
const wait = Atomics.wait
const cell = new Int32Array(new SharedArrayBuffer(4))
/** After so long it looks at the clock again. */
const SLICE_MS_MAX = 50

/**
 * Holds this isolate's thread until then, for languages whose sleep does not give the thread back. An executor that stops the isolate wakes
 * it. It takes no processor time, so the executor is told: on its own thread a sleeper would hold up every neighbour.
 * @param untilMs of `now()`
 */
export function pause(untilMs: number): void {
  tell(TELL.BLOCKED, untilMs - now())
  for (let left = untilMs - now(); left > 0; left = untilMs - now()) wait(cell, 0, 0, Math.min(left, SLICE_MS_MAX))
}
