export interface KeptBytesLimits {
  /** Of all together. */
  readonly bytesMax: number
  /** What is larger is not kept. */
  readonly entryBytesMax: number
  readonly entriesMax: number
}

/** Bytes by name in memory, within limits: what was used longest ago goes first. */
export class KeptBytes {
  readonly #limits: KeptBytesLimits
  /** The one used last at the end. */
  readonly #entries = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(limits: KeptBytesLimits) {
    this.#limits = limits
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  get(name: string): Uint8Array | undefined {
    const bytes = this.#entries.get(name)
    if (bytes === undefined) return undefined
    this.#entries.delete(name)
    this.#entries.set(name, bytes)
    return bytes
  }

  /** Replaces what was there under that name. */
  set(name: string, bytes: Uint8Array): void {
    this.delete(name)
    const { bytesMax, entryBytesMax, entriesMax } = this.#limits
    if (bytes.length > entryBytesMax) return
    this.#entries.set(name, bytes)
    this.#bytes += bytes.length
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= bytesMax && this.#entries.size <= entriesMax) break
      this.delete(oldest)
    }
  }

  delete(name: string): void {
    this.#bytes -= this.#entries.get(name)?.length ?? 0
    this.#entries.delete(name)
  }
}
