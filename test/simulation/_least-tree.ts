/**
 * Values by index, and which is least: what a scan over all nodes would find, in the logarithm of their number. Infinity is nobody.
 */
export class LeastTree {
  /** The least of all is at 1, the children of `at` are at 2 * at and 2 * at + 1, the values from `#leaves` on. */
  readonly #least: Float64Array
  readonly #leaves: number

  constructor(count: number, value: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, count)))
    this.#least = new Float64Array(2 * this.#leaves).fill(Number.POSITIVE_INFINITY)
    for (let index = 0; index < count; index++) this.set(index, value)
  }

  get(index: number): number {
    return this.#least[this.#leaves + index] as number
  }

  set(index: number, value: number): void {
    const least = this.#least
    let at = this.#leaves + index
    least[at] = value
    while (at > 1) {
      const other = least[at ^ 1] as number
      const mine = least[at] as number
      at >>= 1
      const lesser = Math.min(other, mine)
      if (least[at] === lesser) return
      least[at] = lesser
    }
  }

  /** The first index of the least value, going round from `start`. undefined: all are Infinity. */
  firstFrom(start: number): number | undefined {
    const value = this.#least[1] as number
    if (value === Number.POSITIVE_INFINITY) return undefined
    return this.#first(1, 0, this.#leaves, start, value) ?? this.#first(1, 0, this.#leaves, 0, value)
  }

  #first(at: number, from: number, size: number, start: number, value: number): number | undefined {
    if (from + size <= start || (this.#least[at] as number) > value) return undefined
    if (size === 1) return from
    const half = size / 2
    return this.#first(2 * at, from, half, start, value) ?? this.#first(2 * at + 1, from + half, half, start, value)
  }

  /** Of the indices that `fits` is true for, one of the least value: quick where many fit. It is asked in the order of the values. */
  leastThat(fits: (index: number) => boolean): number | undefined {
    let value = this.#least[1] as number
    while (value !== Number.POSITIVE_INFINITY) {
      this.#greater = Number.POSITIVE_INFINITY
      const found = this.#of(1, value, fits)
      if (found !== undefined) return found
      value = this.#greater
    }
    return undefined
  }

  /** The least value met that is greater than the one looked for. */
  #greater = Number.POSITIVE_INFINITY

  #of(at: number, value: number, fits: (index: number) => boolean): number | undefined {
    const least = this.#least[at] as number
    if (least > value) {
      if (least < this.#greater) this.#greater = least
      return undefined
    }
    // Of a subtree that has the value, the greater ones are met further down.
    if (at >= this.#leaves) return least === value && fits(at - this.#leaves) ? at - this.#leaves : undefined
    return this.#of(2 * at, value, fits) ?? this.#of(2 * at + 1, value, fits)
  }
}
