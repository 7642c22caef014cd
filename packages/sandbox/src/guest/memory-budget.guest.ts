import { bare, reflectApply } from './intrinsics.guest.ts'

/** Entries, each a memory or buffer: more of them than this are refused, because looking through them takes time. */
const ENTRIES_MAX = 10_000

const Weak = WeakRef
const deref = WeakRef.prototype.deref
const collect = (globalThis as { __peerlessCollect?: () => void }).__peerlessCollect

interface Entry {
  bytes: number
  /** undefined: never given back. */
  holder: WeakRef<object> | undefined
}

/**
 * Bytes outside V8's heap that one isolate may reserve, which isolated-vm does not count: WebAssembly memories and resizable buffers, each
 * by the most that it may ever grow to. What nobody holds any more is given back, if need be after a garbage collection.
 */
export class MemoryBudget {
  readonly bytesMax: number
  #used = 0
  #entries: Entry[] = bare([])

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax
  }

  /** What could be reserved now, without anything being given back. */
  get left(): number {
    return this.bytesMax - this.#used
  }

  /** @throws RangeError naming what is asked for and what is left */
  reserve(bytes: number, what: string): Entry {
    if (!this.#fits(bytes)) this.#sweep()
    if (!this.#fits(bytes)) {
      throw new RangeError(
        `${what} of at most ${bytes} bytes does not fit: ${this.#used} of ${this.bytesMax} bytes are reserved (the function's memory limit)`
      )
    }
    const entry: Entry = { bytes, holder: undefined }
    this.#used += bytes
    this.#entries[this.#entries.length] = entry
    return entry
  }

  /** From now on the entry lasts as long as that object. */
  hold(entry: Entry, holder: object): void {
    entry.holder = new Weak(holder)
  }

  release(entry: Entry): void {
    if (entry.bytes < 0) return
    this.#used -= entry.bytes
    entry.bytes = -1
  }

  /** Makes room by what nobody holds; a collection comes first, since looking at a weak reference keeps its object for the job. */
  makeRoom(bytes: number): void {
    if (!this.#fits(bytes)) this.#sweep()
  }

  #fits(bytes: number): boolean {
    return bytes <= this.left && this.#entries.length < ENTRIES_MAX
  }

  #sweep(): void {
    collect?.()
    const kept: Entry[] = bare([])
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as Entry
      if (entry.holder !== undefined && reflectApply(deref, entry.holder, []) === undefined) this.release(entry)
      if (entry.bytes >= 0) kept[kept.length] = entry
    }
    this.#entries = kept
  }
}

export function collectGarbage(): void {
  collect?.()
}
