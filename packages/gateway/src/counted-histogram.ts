import { Histogram } from 'prom-client'

/** One line of a histogram: of its buckets (label `le`, what is below included), its sum or its count. */
export interface CountedValue {
  readonly suffix: 'bucket' | 'sum' | 'count'
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
}

interface PrintedValue {
  readonly metricName: string
  readonly value: number
  readonly labels: Record<string, string | number>
  /** What `get` adds to the labels of each: nothing, but it must be there. */
  readonly sharedLabels: Record<string, never>
}

/** A histogram whose numbers are counted elsewhere: prom-client's own `observe` would be a good part of a warm call. */
export class CountedHistogram extends Histogram {
  readonly #about: { readonly name: string; readonly help: string }
  readonly #read: () => readonly CountedValue[]

  constructor(about: { name: string; help: string }, read: () => readonly CountedValue[]) {
    super({ ...about, registers: [] })
    this.#about = about
    this.#read = read
  }

  /** What the registry prints, and what `get` answers, in prom-client 15; its types do not name it, so a test reads the page. */
  async getForPromString(): Promise<{
    name: string
    help: string
    type: 'histogram'
    aggregator: 'sum'
    values: PrintedValue[]
  }> {
    const { name, help } = this.#about
    const values = this.#read().map(({ suffix, value, labels }) => ({
      metricName: `${name}_${suffix}`,
      value,
      labels: { ...labels },
      sharedLabels: {}
    }))
    return { name, help, type: 'histogram', aggregator: 'sum', values }
  }
}
