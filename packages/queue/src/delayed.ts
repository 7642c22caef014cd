/** Items that wait for their time: a binary heap. Pure: it is told the time. */
export class Delayed<Item> {
  readonly #heap: { at: number; item: Item }[] = []

  get length(): number {
    return this.#heap.length
  }

  add(at: number, item: Item): void {
    const heap = this.#heap
    let index = heap.push({ at, item }) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if ((heap[parent] as { at: number }).at <= at) break
      this.#swap(index, parent)
      index = parent
    }
  }

  /** The one whose time came first, if it came. */
  take(now: number): Item | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.at > now) return undefined
    const last = heap.pop() as { at: number; item: Item }
    if (heap.length > 0) {
      heap[0] = last
      this.#sink()
    }
    return first.item
  }

  #sink(): void {
    const heap = this.#heap
    for (let index = 0; ; ) {
      let least = index
      for (const child of [2 * index + 1, 2 * index + 2]) {
        const one = heap[child]
        if (one !== undefined && one.at < (heap[least] as { at: number }).at) least = child
      }
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const one = heap[a] as { at: number; item: Item }
    heap[a] = heap[b] as { at: number; item: Item }
    heap[b] = one
  }
}
