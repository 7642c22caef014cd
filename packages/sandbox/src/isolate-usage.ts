import type ivm from 'isolated-vm'

/** Heap statistics cost 3 µs, as much as a call. */
const HEAP_SAMPLE_MS_MIN = 500
const MB = 1_048_576

/** What an isolate has used, as it was read last: it can not be asked any more once it is disposed of. */
export class IsolateUsage {
  readonly #isolate: ivm.Isolate
  #sampledAt = Number.NEGATIVE_INFINITY
  /** Since it was made. */
  cpuUs = 0
  memoryMb = 0

  constructor(isolate: ivm.Isolate) {
    this.#isolate = isolate
  }

  /** Microseconds more than when it was read before. */
  readCpu(): number {
    const before = this.cpuUs
    if (!this.#isolate.isDisposed) this.cpuUs = Number(this.#isolate.cpuTime) / 1_000
    return this.cpuUs - before
  }

  /** @param now milliseconds of `performance.now` */
  sampleHeap(now: number): void {
    if (now - this.#sampledAt <= HEAP_SAMPLE_MS_MIN) return
    this.#sampledAt = now
    const heap = this.#isolate.getHeapStatisticsSync()
    this.memoryMb = Math.ceil((heap.used_heap_size + heap.externally_allocated_size) / MB)
  }
}
