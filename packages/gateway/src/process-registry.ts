import { setTimeout } from 'node:timers/promises'
import { collectDefaultMetrics, Registry } from 'prom-client'

/** By then there is something to say of the event loop, which is measured every 10 ms: of nothing the mean is not a number. */
const FIRST_MEASURED_MS = 30

/**
 * A registry that has Node's own metrics (`process_*`, `nodejs_*`) from when it is first read. prom-client's look at the event loop a hundred times a second
 * was half of what woke an idle node, and who is never scraped needs none of it.
 */
export class ProcessRegistry extends Registry {
  #begun: Promise<void> | undefined

  override async metrics(): Promise<string> {
    this.#begun ??= this.#begin()
    await this.#begun
    return await super.metrics()
  }

  override async getMetricsAsJSON(): ReturnType<Registry['getMetricsAsJSON']> {
    this.#begun ??= this.#begin()
    await this.#begun
    return await super.getMetricsAsJSON()
  }

  async #begin(): Promise<void> {
    collectDefaultMetrics({ register: this })
    await setTimeout(FIRST_MEASURED_MS)
  }
}
