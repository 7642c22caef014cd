import { now } from '../intrinsics.guest.ts'
import { CLOCK_MONOTONIC, CLOCK_REALTIME, clockNs, NANOSECONDS_PER_MS } from './clock.guest.ts'
import { ERRNO, WasiError } from './errno.guest.ts'
import type { WasmMemory } from './memory.guest.ts'
import type { Wasi } from './wasi.guest.ts'

const SUBSCRIPTION_BYTES = 48
const EVENT_BYTES = 32
const SUBSCRIPTIONS_MAX = 1_024
const TAG_CLOCK = 0
const FLAG_ABSOLUTE = 1
/** Longer than any time limit of a call, which is at most 900 s: whoever sleeps so long is stopped before. */
const SLEEP_MS_MAX = 1_000_000

interface Waiting {
  userdata: bigint
  tag: number
  errno: number
  /** Of `now()`. Descriptors are always ready: all that there is, is in memory. */
  dueMs: number
}

/**
 * Sleeps until the first clock is due; descriptors are ready at once. A sleep that reaches past the call's deadline is not cut short there: the
 * program would go on, and might end well, until the executor stops it.
 */
export function pollOneoff({ descriptors, memory, program }: Wasi) {
  return (subscriptions: number, events: number, count: number, result: number): number => {
    const number = count >>> 0
    if (number === 0 || number > SUBSCRIPTIONS_MAX) return ERRNO.INVAL
    const waiting: Waiting[] = []
    for (let index = 0; index < number; index++) {
      waiting.push(read(memory(), (subscriptions >>> 0) + index * SUBSCRIPTION_BYTES, (fd) => descriptors.get(fd)))
    }
    // Checked before the wait.
    memory()
      .bytes(events, number * EVENT_BYTES)
      .fill(0)
    const firstMs = Math.min(...waiting.map(({ dueMs }) => dueMs), now() + SLEEP_MS_MAX)
    if (firstMs > now()) program.sleep(firstMs)
    const due = waiting.filter(({ dueMs }) => dueMs <= now())
    for (const [index, { userdata, tag, errno }] of due.entries()) {
      const at = (events >>> 0) + index * EVENT_BYTES
      memory().u64(at, userdata)
      memory().u16(at + 8, errno)
      memory().u8(at + 10, tag)
    }
    memory().u32(result, due.length)
    return ERRNO.SUCCESS
  }
}

function read(memory: WasmMemory, at: number, checkDescriptor: (fd: number) => void): Waiting {
  const userdata = memory.readU64(at)
  const tag = memory.bytes(at + 8, 1)[0] ?? 0
  if (tag === TAG_CLOCK) {
    const clock = memory.readU32(at + 16)
    if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) return { userdata, tag, errno: ERRNO.INVAL, dueMs: 0 }
    const timeoutNs = memory.readU64(at + 24)
    const absolute = (memory.readU16(at + 40) & FLAG_ABSOLUTE) !== 0
    const leftNs = absolute ? timeoutNs - clockNs(clock) : timeoutNs
    const leftMs = leftNs <= 0n ? 0 : Number((leftNs + NANOSECONDS_PER_MS - 1n) / NANOSECONDS_PER_MS)
    return { userdata, tag, errno: ERRNO.SUCCESS, dueMs: now() + leftMs }
  }
  let errno: number = tag > 2 ? ERRNO.INVAL : ERRNO.SUCCESS
  try {
    checkDescriptor(memory.readU32(at + 16))
  } catch (error) {
    if (!(error instanceof WasiError)) throw error
    errno = error.errno
  }
  return { userdata, tag, errno, dueMs: 0 }
}
