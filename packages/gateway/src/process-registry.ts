import { collectDefaultMetrics, Registry } from 'prom-client'

/**
 * A registry that has Node's own metrics (`process_*`, `nodejs_*`) from when it is first read; of the event loop, which was not measured before, the first page
 * says `Nan`. prom-client's look at it a hundred times a second was half of what woke an idle node, and who is never scraped needs none of it.
 */
export class ProcessRegistry extends Registry {
  #begun = false

  override async metrics(): Promise<string> {
    this.#begin()
    return await super.metrics()
  }

  override async getMetricsAsJSON(): ReturnType<Registry['getMetricsAsJSON']> {
    this.#begin()
    return await super.getMetricsAsJSON()
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    collectDefaultMetrics({ register: this })
  }
}
