import { PeerlessError } from '@peerless/interface'

/** Little-endian binary. What is signed needs one encoding per value, which CBOR does not promise between encoders. */
export class ByteWriter {
  #bytes: Buffer
  #length = 0

  constructor(capacity = 1_024) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  u8(value: number): void {
    this.#room(1)
    this.#length = this.#bytes.writeUInt8(value, this.#length)
  }

  u16(value: number): void {
    this.#room(2)
    this.#length = this.#bytes.writeUInt16LE(value, this.#length)
  }

  u32(value: number): void {
    this.#room(4)
    this.#length = this.#bytes.writeUInt32LE(value, this.#length)
  }

  u48(value: number): void {
    this.#room(6)
    this.#length = this.#bytes.writeUIntLE(value, this.#length, 6)
  }

  u64(value: bigint): void {
    this.#room(8)
    this.#length = this.#bytes.writeBigUInt64LE(value, this.#length)
  }

  bytes(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#length)
    this.#length += value.length
  }

  /** u8 length and UTF-8. */
  text(value: string): void {
    const bytes = Buffer.from(value)
    this.u8(bytes.length)
    this.bytes(bytes)
  }

  get length(): number {
    return this.#length
  }

  /** A copy of its own, so that it can be transferred. */
  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(0, this.#length))
  }

  #room(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

/** Reads what ByteWriter wrote. Every step is checked against the end. @throws MALFORMED */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #source: string
  #offset = 0

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#source = source
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2))
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4))
  }

  u48(): number {
    return this.#bytes.readUIntLE(this.#take(6), 6)
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8))
  }

  /** A view. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count)
    return this.#bytes.subarray(at, at + count)
  }

  text(): string {
    const length = this.u8()
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  get ended(): boolean {
    return this.#offset === this.#bytes.length
  }

  /** @throws MALFORMED when bytes are left */
  end(): void {
    if (!this.ended) this.fail(`${this.#bytes.length - this.#offset} bytes too many`)
  }

  fail(what: string): never {
    throw new PeerlessError('MALFORMED', `${this.#source}: ${what} at byte ${this.#offset}`)
  }

  #take(count: number): number {
    const at = this.#offset
    if (count > this.#bytes.length - at) this.fail(`${count} bytes wanted, ${this.#bytes.length - at} left`)
    this.#offset = at + count
    return at
  }
}
