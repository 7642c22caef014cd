/** Buckets per factor of two: what is read from them is right within 9 %. */
const PER_DOUBLING = 8
/** Everything shorter is in the first bucket: that is less than the way through a node. */
const LEAST_MS = 0.1
/** 900 s, a function's longest life, is in bucket 184; everything longer is in the last. */
export const LATENCY_BUCKETS = 186

/** How many calls took how long, in buckets whose bounds grow by the same factor; those of several nodes can be added up. */
export class LatencyHistogram {
  readonly #counts = new Map<number, number>()
  #total = 0

  /** Calls in it; a fraction after `fade`. */
  get total(): number {
    return this.#total
  }

  add(durationMs: number, count = 1): void {
    this.addTo(bucketOf(durationMs), count)
  }

  /** @param bucket 0 to LATENCY_BUCKETS - 1 */
  addTo(bucket: number, count: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count)
    this.#total += count
  }

  merge(other: LatencyHistogram): void {
    for (const [bucket, count] of other.#counts) this.addTo(bucket, count)
  }

  /** Bucket and count in turn: as it is sent. */
  flat(): number[] {
    return [...this.#counts].flat()
  }

  /** What was seen counts for less from now on; nothing of less than a thousandth of a call is kept. */
  fade(factor: number): void {
    this.#total = 0
    for (const [bucket, count] of this.#counts) {
      const left = count * factor
      if (left < 0.001) this.#counts.delete(bucket)
      else this.#counts.set(bucket, left)
      this.#total += left < 0.001 ? 0 : left
    }
  }

  /** Milliseconds that all but `above` calls took at most (the upper bound of their bucket); undefined when it is empty. */
  valueBelow(above: number): number | undefined {
    if (this.#total === 0) return undefined
    let left = above
    for (const bucket of [...this.#counts.keys()].sort((a, b) => b - a)) {
      left -= this.#counts.get(bucket) as number
      if (left < 0) return LEAST_MS * 2 ** ((bucket + 1) / PER_DOUBLING)
    }
    return LEAST_MS
  }

  /** Share of the calls that took longer, 0 to 1; within the bucket of `durationMs` they count as spread evenly. 0 when it is empty. */
  shareAbove(durationMs: number): number {
    if (this.#total === 0) return 0
    if (durationMs < 0) return 1
    const at = Math.max(0, Math.log2(durationMs / LEAST_MS) * PER_DOUBLING)
    let above = 0
    for (const [bucket, count] of this.#counts) above += count * Math.min(1, Math.max(0, bucket + 1 - at))
    return above / this.#total
  }
}

function bucketOf(durationMs: number): number {
  if (!(durationMs > LEAST_MS)) return 0
  return Math.min(LATENCY_BUCKETS - 1, Math.floor(Math.log2(durationMs / LEAST_MS) * PER_DOUBLING))
}
