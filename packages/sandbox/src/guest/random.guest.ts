import { ASK, RANDOM_BYTES_MAX } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { DOMException } from './dom-exception.guest.ts'
import { bytesOf } from './encoding.guest.ts'

const POOL_BYTES = 4_096
const RANDOM_CALL_BYTES_MAX = 16_777_216

let pool = new Uint8Array(0)
let used = 0

/** Random bytes of the executor; small requests share a pool, so that an id does not cost a crossing. */
export function random(count: number): Uint8Array {
  if (count > POOL_BYTES / 8) return randomAcross(count)
  if (used + count > pool.length) {
    pool = ask(ASK.RANDOM, POOL_BYTES) as Uint8Array<ArrayBuffer>
    used = 0
  }
  const bytes = pool.slice(used, used + count)
  pool.fill(0, used, used + count)
  used += count
  return bytes
}

function randomAcross(count: number): Uint8Array {
  if (!(count >= 0 && count <= RANDOM_CALL_BYTES_MAX)) {
    throw new RangeError(`${count} random bytes were asked for, at most ${RANDOM_CALL_BYTES_MAX}`)
  }
  const bytes = new Uint8Array(count)
  for (let at = 0; at < count; at += RANDOM_BYTES_MAX) {
    bytes.set(ask(ASK.RANDOM, Math.min(RANDOM_BYTES_MAX, count - at)) as Uint8Array, at)
  }
  return bytes
}

export function randomUUID(): string {
  const bytes = random(16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toHex()
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function getRandomValues<View extends ArrayBufferView>(view: View): View {
  if (
    !ArrayBuffer.isView(view) ||
    /^Float|^DataView$/.test((view as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '')
  ) {
    throw new DOMException('The data argument must be an integer-type TypedArray', 'TypeMismatchError')
  }
  if (view.byteLength > RANDOM_BYTES_MAX) {
    throw new DOMException(`The requested length exceeds ${RANDOM_BYTES_MAX} bytes: ${view.byteLength}`, 'QuotaExceededError')
  }
  bytesOf(view).set(random(view.byteLength))
  return view
}
