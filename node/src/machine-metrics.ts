import { ProcessRegistry } from '@peerless/gateway'
import { type Clock, type Logger, MESSAGE, type Mesh, messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue } from 'prom-client'
import { z } from 'zod'
import type { Machine } from './machine.ts'

/** A front that is busy for longer is left out of this page; its counters are back in the next. */
const ANSWER_MS_MAX = 2_000
/** Families that one front tells: there are about sixty. */
const METRICS_MAX = 1_000
const VALUES_MAX = 100_000

type Metrics = MetricObjectWithValues<MetricValue<string>>[]

// Not a number is what prom-client says of an event loop that was not measured since it was last asked.
const number = z.union([z.number(), z.nan()])
const label = z.union([z.string().max(1_024), z.number()])
const metricsRule = z
  .array(
    z.object({
      name: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$/),
      help: z.string().max(1_000),
      type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
      values: z
        .array(z.object({ value: number, labels: z.record(z.string(), label), metricName: z.string().max(200).optional() }))
        .max(VALUES_MAX)
    })
  )
  .max(METRICS_MAX)

/**
 * The fronts of a machine share its HTTP port, so whoever scrapes it meets one or another: each answers for all, its own series and the others' told apart by
 * the label `front`. MESSAGE.METRICS_READ: no header; reply payload: CBOR of the list that prom-client's `getMetricsAsJSON` gives.
 */
export class MachineMetrics {
  readonly registry = new ProcessRegistry()
  /** Prometheus text of all fronts that answer in time. */
  readonly page = (): Promise<string> => this.#page()
  readonly #o: { mesh: Mesh; clock: Clock; logger: Logger; machine: Machine }

  /** @param front number of this front, from 1: the value of the label */
  constructor(options: { mesh: Mesh; clock: Clock; logger: Logger; machine: Machine; front: number }) {
    this.#o = options
    this.registry.setDefaultLabels({ front: String(options.front) })
  }

  start(): void {
    const { mesh, machine, logger } = this.#o
    mesh.handle(MESSAGE.METRICS_READ, (peerId, request) => {
      if (machine.of(peerId) !== machine.id)
        throw new PeerlessError('FORBIDDEN', 'what a front has counted is told to the fronts of its machine alone')
      const told = this.registry.getMetricsAsJSON().then((metrics) => request.reply(undefined, encode(metrics)))
      // Also where they are too large for a frame: who asks is told so, and does not wait.
      told.catch((error) => {
        logger.error('metrics could not be told', { reason: messageOf(error) })
        request.fail(new PeerlessError('INTERNAL', 'metrics could not be told'))
      })
    })
  }

  async #page(): Promise<string> {
    const { machine } = this.#o
    const own = this.registry.getMetricsAsJSON() as Promise<Metrics>
    const all = await Promise.all([own, ...machine.mates().map((peerId) => this.#of(peerId))])
    // Nothing is added up: the label keeps all apart. The aggregators named by some would leave them out.
    const apart = all.map((metrics) => metrics.map((metric) => ({ ...metric, aggregator: 'sum' })))
    return await AggregatorRegistry.aggregate(apart).metrics()
  }

  async #of(peerId: string): Promise<Metrics> {
    const { mesh, clock, logger } = this.#o
    const controller = new AbortController()
    const timer = clock.after(ANSWER_MS_MAX, () => controller.abort())
    try {
      const reply = await mesh.call(peerId, MESSAGE.METRICS_READ, undefined, undefined, {
        carrier: 'bulk',
        signal: controller.signal
      })
      return metricsRule.parse(decode(reply.payload, 'metrics')) as unknown as Metrics
    } catch (error) {
      logger.warn('no metrics from another front', { peerId, reason: messageOf(error) })
      return []
    } finally {
      timer.cancel()
    }
  }
}
