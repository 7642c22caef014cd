import { ERRNO, WasiError } from './errno.guest.ts'

/** What of `WebAssembly.Memory` is used; TypeScript declares it for browsers only. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer
}

/**
 * A module's linear memory by addresses that the module gives, none of which is trusted. Views are made anew when the memory has grown.
 */
export class WasmMemory {
  readonly #memory: LinearMemory
  #view: DataView

  constructor(memory: LinearMemory) {
    this.#memory = memory
    this.#view = new DataView(memory.buffer)
  }

  /** The view's own checks throw RangeError for what lies outside; see `errnoOf`. */
  get view(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = new DataView(this.#memory.buffer)
    return this.#view
  }

  /** The bytes themselves, not a copy. @throws WasiError FAULT */
  bytes(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0
    const count = length >>> 0
    const { buffer } = this.#memory
    if (start + count > buffer.byteLength) throw new WasiError(ERRNO.FAULT)
    return new Uint8Array(buffer, start, count)
  }

  /** @throws WasiError FAULT, ILSEQ */
  text(pointer: number, length: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.bytes(pointer, length))
    } catch (error) {
      throw error instanceof WasiError ? error : new WasiError(ERRNO.ILSEQ)
    }
  }

  u8(pointer: number, value: number): void {
    this.view.setUint8(pointer >>> 0, value)
  }

  u16(pointer: number, value: number): void {
    this.view.setUint16(pointer >>> 0, value, true)
  }

  u32(pointer: number, value: number): void {
    this.view.setUint32(pointer >>> 0, value, true)
  }

  u64(pointer: number, value: bigint): void {
    this.view.setBigUint64(pointer >>> 0, value, true)
  }

  readU16(pointer: number): number {
    return this.view.getUint16(pointer >>> 0, true)
  }

  readU32(pointer: number): number {
    return this.view.getUint32(pointer >>> 0, true)
  }

  readU64(pointer: number): bigint {
    return this.view.getBigUint64(pointer >>> 0, true)
  }

  /** The buffers of a list of `iovec`s. @throws WasiError FAULT, INVAL */
  vectors(pointer: number, count: number): Uint8Array[] {
    if (count >>> 0 > VECTORS_MAX) throw new WasiError(ERRNO.INVAL)
    const found: Uint8Array[] = []
    for (let index = 0; index < count; index++) {
      const at = (pointer >>> 0) + index * 8
      found.push(this.bytes(this.readU32(at), this.readU32(at + 4)))
    }
    return found
  }
}

/** As Linux has it (IOV_MAX). */
const VECTORS_MAX = 1_024
