import { bare, reflectApply } from './intrinsics.guest.ts'

/** Entries, each a memory or buffer: more of them than this are refused, because looking through them takes time. */
const ENTRIES_MAX = 10_000

/**
 * Milliseconds to wait before each time that it is looked whether an object is still held, which is after a collection. The first is an ordinary one. But functions
 * that V8 was to optimise are held with all that they see until their code is put in place. V8 asks for that by an interrupt, and one that comes between two entries
 * is forgotten with the next (`v8::Locker` initialises the flags): nobody may ever do it. So the later collections throw such work away first; for what another
 * thread is at just then, they wait.
 */
const WAITS_MS = [0, 0, 2, 8] as const
const LOOKS = WAITS_MS.length
const LAST_RESORT = bare({ type: 'major', execution: 'sync', flavor: 'last-resort' })

type Collect = (how?: object) => void

const Weak = WeakRef
const deref = WeakRef.prototype.deref
const weakMapSet = WeakMap.prototype.set
const collect = (globalThis as { __peerlessCollect?: Collect }).__peerlessCollect

interface Entry {
  bytes: number
  /**
   * One for each look, alive as long as the object. Whoever looks through a weak reference keeps what it finds until the job is over: so it is not the object that
   * is looked at, and no mark twice. undefined: never given back.
   */
  marks: WeakRef<object>[] | undefined
  /** It was held at the last look: by the function, then. */
  firm: boolean
}

/**
 * Bytes outside V8's heap that one isolate may reserve, which isolated-vm does not count: WebAssembly memories and resizable buffers, each
 * by the most that it may ever grow to. What nobody holds any more is given back, if need be after a garbage collection.
 */
export class MemoryBudget {
  readonly bytesMax: number
  readonly #wait: (ms: number) => void
  #used = 0
  #entries: Entry[] = bare([])
  readonly #marked = new WeakMap<object, object[]>()

  /** @param wait holds this thread for some milliseconds */
  constructor(bytesMax: number, wait: (ms: number) => void) {
    this.bytesMax = bytesMax
    this.#wait = wait
  }

  /** What could be reserved now, without anything being given back. */
  get left(): number {
    return this.bytesMax - this.#used
  }

  /** @throws RangeError naming what is asked for and what is left */
  reserve(bytes: number, what: string): Entry {
    this.#sweep(bytes, true)
    if (!this.#fits(bytes)) {
      throw new RangeError(
        `${what} of at most ${bytes} bytes does not fit: ${this.#used} of ${this.bytesMax} bytes are reserved (the function's memory limit)`
      )
    }
    const entry: Entry = { bytes, marks: undefined, firm: false }
    this.#used += bytes
    this.#entries[this.#entries.length] = entry
    return entry
  }

  /** From now on the entry lasts as long as that object. */
  hold(entry: Entry, holder: object): void {
    const marks: object[] = bare([])
    const weak: WeakRef<object>[] = bare([])
    for (let look = 0; look < LOOKS; look++) {
      const mark = {}
      marks[look] = mark
      weak[look] = new Weak(mark)
    }
    reflectApply(weakMapSet, this.#marked, [holder, marks])
    entry.marks = weak
  }

  release(entry: Entry): void {
    if (entry.bytes < 0) return
    this.#used -= entry.bytes
    entry.bytes = -1
  }

  /**
   * Makes room by what nobody holds, if that may be so much.
   * @param needed looks thoroughly, as before a refusal
   */
  makeRoom(bytes: number, needed = false): void {
    this.#sweep(bytes, needed)
  }

  #fits(bytes: number): boolean {
    return bytes <= this.left && this.#entries.length < ENTRIES_MAX
  }

  /** @param needed otherwise what was held at a last look is taken to be held still, and spared the more expensive ones */
  #sweep(bytes: number, needed: boolean): void {
    for (let look = 0; look < LOOKS && !this.#fits(bytes); look++) {
      if (bytes > this.left + this.#loose(look === 0 || needed)) return
      const ms = WAITS_MS[look] as number
      if (ms > 0) this.#wait(ms)
      if (look === 0) collect?.()
      else collect?.(LAST_RESORT)
      this.#look(look)
    }
  }

  #look(look: number): void {
    const kept: Entry[] = bare([])
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as Entry
      const mark = entry.marks?.[look]
      if (mark !== undefined && reflectApply(deref, mark, []) === undefined) this.release(entry)
      else if (look === LOOKS - 1) entry.firm = true
      if (entry.bytes >= 0) kept[kept.length] = entry
    }
    this.#entries = kept
  }

  /** Bytes that may turn out to be held by nobody. */
  #loose(all: boolean): number {
    let bytes = 0
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries[index] as Entry
      if (entry.marks !== undefined && (all || !entry.firm)) bytes += entry.bytes
    }
    return bytes
  }
}

export function collectGarbage(): void {
  collect?.()
}
