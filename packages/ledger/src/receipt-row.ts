import { ACCOUNT_NAME, FUNCTION_NAME, QUALIFIER, type Receipt, type ReceiptStatus, type Tariff } from '@peerless/interface'
import { LEDGER_LIMITS } from './limits.ts'

/**
 * A receipt as it is hashed, stored and sent: 32 bytes, little-endian.
 *
 *   0  request id, 16 bytes      16  kind, u16: place in the statement's table of (account, function, version)
 *  18  attempt, u8               19  status in bits 0–1, cold in bit 2
 *  20  duration in µs, u32       24  memory in MB, u16       26  time in epoch ms, u48
 *
 * Caller and executor are the lane's. There is no charge in it: it is a function of duration, memory and the signed tariff, so it cannot be
 * wrong by itself.
 */
export const ROW_BYTES = 32
export const KIND_AT = 16
export const ATTEMPT_AT = 18
export const FLAGS_AT = 19
export const DURATION_AT = 20
export const MEMORY_AT = 24
export const TIME_AT = 26
const TIME_BELOW = 2 ** 48
const STATUSES: readonly ReceiptStatus[] = ['ok', 'error', 'timeout', 'exit']
const COLD = 4
export const FLAGS_MAX = 7

/** Who pays for what. */
export interface Kind {
  readonly account: string
  readonly functionName: string
  readonly version: string
}

export function isKind(kind: Kind): boolean {
  return ACCOUNT_NAME.test(kind.account) && FUNCTION_NAME.test(kind.functionName) && QUALIFIER.test(kind.version)
}

/** `chargeOf` of interface on a row's numbers, without an object per receipt. */
export function unitsOf(durationUs: number, memoryMb: number, tariff: Tariff): number {
  const increments = Math.max(1, Math.ceil(durationUs / 1_000 / tariff.incrementMs))
  return increments * memoryMb * tariff.unitsPerIncrementMb + tariff.unitsPerRequest
}

/** Value of a hexadecimal digit by character code; 255 for none. Lower case only: an id has one spelling. */
const HEX = new Uint8Array(128).fill(255)
for (let digit = 0; digit < 16; digit++) HEX[digit.toString(16).charCodeAt(0)] = digit

/** Reads a lower-case UUID into four words. Returns false when it is none. */
function writeUuid(text: string, view: DataView, at: number): boolean {
  if (text.length !== 36) return false
  let word = 0
  let digits = 0
  let bad = 0
  for (let index = 0; index < 36; index++) {
    const code = text.charCodeAt(index)
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      bad |= code ^ 45
      continue
    }
    const digit = HEX[code & 127] as number
    bad |= (digit & 0xf0) | (code & ~127)
    word = (word << 4) | digit
    if ((++digits & 7) === 0) view.setUint32(at + (digits >> 1) - 4, word)
  }
  return bad === 0
}

export function uuidOf(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** `refused`: the receipt breaks a bound and is not in; `full`: hand the rows on and try again. */
export type Appended = 'ok' | 'full' | 'refused'

/** Rows of one batch as they grow. The hot path: no allocation but doubling, and a new kind now and then. */
export class RowBuffer {
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView
  #count = 0
  #timeMin = 0
  #timeMax = 0
  readonly #rowsMax: number
  #kinds: Kind[] = []
  /** Places in `#kinds` by function name: one name has one account and few versions. */
  #places = new Map<string, number[]>()

  constructor(rowsMax: number) {
    this.#rowsMax = rowsMax
    this.#bytes = new Uint8Array(Math.min(64, rowsMax) * ROW_BYTES)
    this.#view = new DataView(this.#bytes.buffer)
  }

  get count(): number {
    return this.#count
  }

  append(receipt: Receipt): Appended {
    if (this.#count >= this.#rowsMax) return 'full'
    const { attempt, durationUs, memoryMb, time } = receipt
    const status = STATUSES.indexOf(receipt.status)
    if (
      status < 0 ||
      !(attempt >= 1 && attempt <= 255 && (attempt | 0) === attempt) ||
      durationUs >>> 0 !== durationUs ||
      !(memoryMb >= 1 && memoryMb <= 65_535 && (memoryMb | 0) === memoryMb) ||
      !(time >= 0 && time < TIME_BELOW && Math.floor(time) === time)
    ) {
      return 'refused'
    }
    if (this.#count > 0) {
      if (Math.max(time, this.#timeMax) - Math.min(time, this.#timeMin) > LEDGER_LIMITS.spanMsMax) return 'full'
    }
    const kind = this.#kindOf(receipt)
    if (kind < 0) return kind === -1 ? 'full' : 'refused'
    const at = this.#count * ROW_BYTES
    if (at === this.#bytes.length) this.#grow()
    const view = this.#view
    if (!writeUuid(receipt.requestId, view, at)) return 'refused'
    view.setUint16(at + KIND_AT, kind, true)
    view.setUint8(at + ATTEMPT_AT, attempt)
    view.setUint8(at + FLAGS_AT, receipt.cold ? status | COLD : status)
    view.setUint32(at + DURATION_AT, durationUs, true)
    view.setUint16(at + MEMORY_AT, memoryMb, true)
    view.setUint32(at + TIME_AT, time % 4_294_967_296, true)
    view.setUint16(at + TIME_AT + 4, Math.floor(time / 4_294_967_296), true)
    if (this.#count === 0) {
      this.#timeMin = time
      this.#timeMax = time
    } else if (time < this.#timeMin) this.#timeMin = time
    else if (time > this.#timeMax) this.#timeMax = time
    this.#count++
    return 'ok'
  }

  /** Hands over what is there and begins anew. The rows are a buffer of their own: they can be transferred. */
  take(): { rows: Uint8Array<ArrayBuffer>; kinds: Kind[] } {
    const taken = { rows: this.#bytes.subarray(0, this.#count * ROW_BYTES), kinds: this.#kinds }
    // As large as the last batch was: the load of the next 100 ms is likely that of these.
    this.#bytes = new Uint8Array(this.#bytes.length)
    this.#view = new DataView(this.#bytes.buffer)
    this.#count = 0
    this.#kinds = []
    this.#places = new Map()
    return taken
  }

  /** The kind's place; -1 when the table is full, -2 when it breaks a rule of names. */
  #kindOf(receipt: Receipt): number {
    const places = this.#places.get(receipt.functionName)
    if (places !== undefined) {
      for (const place of places) {
        const kind = this.#kinds[place] as Kind
        if (kind.version === receipt.version && kind.account === receipt.account) return place
      }
    }
    if (this.#kinds.length >= LEDGER_LIMITS.kindsMax) return -1
    const kind = { account: receipt.account, functionName: receipt.functionName, version: receipt.version }
    if (!isKind(kind)) return -2
    const place = this.#kinds.push(kind) - 1
    if (places === undefined) this.#places.set(kind.functionName, [place])
    else places.push(place)
    return place
  }

  #grow(): void {
    const larger = new Uint8Array(Math.min(this.#bytes.length * 2, this.#rowsMax * ROW_BYTES))
    larger.set(this.#bytes)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer)
  }
}

export interface Row {
  readonly requestId: string
  readonly attempt: number
  readonly time: number
  readonly kind: number
  readonly durationUs: number
  readonly memoryMb: number
  readonly cold: boolean
  readonly status: ReceiptStatus
}

/** @param rows checked: whole rows, `index` within them */
export function readRow(rows: Buffer, index: number): Row {
  const at = index * ROW_BYTES
  const flags = rows.readUInt8(at + FLAGS_AT)
  return {
    requestId: uuidOf(rows, at),
    attempt: rows.readUInt8(at + ATTEMPT_AT),
    time: rows.readUIntLE(at + TIME_AT, 6),
    kind: rows.readUInt16LE(at + KIND_AT),
    durationUs: rows.readUInt32LE(at + DURATION_AT),
    memoryMb: rows.readUInt16LE(at + MEMORY_AT),
    cold: (flags & COLD) !== 0,
    status: STATUSES[flags & 3] as ReceiptStatus
  }
}

/** Request id and attempt: what names a receipt. */
export const NAME_BYTES = 17

/** Request id and attempt of a row as a key: 17 characters of one byte each. */
export function rowKey(rows: Buffer, index: number): string {
  const at = index * ROW_BYTES
  return rows.toString('latin1', at, at + 16) + String.fromCharCode(rows[at + ATTEMPT_AT] as number)
}

/** A view as a Buffer, without a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
