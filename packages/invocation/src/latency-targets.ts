import {
  type Catalog,
  type Clock,
  LATEST,
  type LatencyStatus,
  type Logger,
  MESSAGE,
  type Mesh,
  messageOf,
  type OnAnswer,
  type ResolvedFunction,
  type Timer,
  versionOf
} from '@peerless/interface'
import { type BeaconTable, LatencyScaler, rendezvousOwner } from '@peerless/routing'
import { DEMAND_PERIOD_MS, DEMAND_QUIET_MS, DEMAND_STALE_MS, LATENCY_FORGET_MS, LATENCY_VERSIONS_MAX } from './constants.ts'
import { LatencyBook } from './latency-book.ts'
import { decisionsToWire, demandFromWire, type FunctionDecision, samplesToWire } from './latency-message.ts'
import type { LocalInstances } from './local-instances.ts'

export interface LatencyTargetsOptions {
  mesh: Mesh
  catalog: Catalog
  instances: LocalInstances
  table: BeaconTable
  clock: Clock
  logger: Logger
}

/** So many instances of a version are wanted warm over the whole mesh. */
export interface WarmWanted {
  readonly functionName: string
  readonly version: string
  readonly count: number
}

interface Heard {
  readonly decision: FunctionDecision
  readonly owner: string
  readonly at: number
}

const NOTHING = new Uint8Array(0)

/**
 * Latency targets over the mesh. Every node takes the time of its clients' calls and tells it once a second to the node that decides for the function, which
 * follows from its name (rendezvous over the nodes that are connected); that one tells all how many instances are wanted. When it goes, another takes over
 * with the number that was heard last.
 */
export class LatencyTargets {
  readonly #o: LatencyTargetsOptions
  readonly #book: LatencyBook
  /** Functions of the catalog that have a target. */
  readonly #names = new Set<string>()
  /** What this node decides, by name and version. */
  readonly #scalers = new Map<string, Map<string, LatencyScaler>>()
  #scalersKept = 0
  readonly #heard = new Map<string, Heard>()
  #changed: () => void = () => undefined
  #timer: Timer | undefined
  #unsubscribe: (() => void) | undefined
  #lastTold = ''
  #lastToldAt = Number.NEGATIVE_INFINITY

  constructor(options: LatencyTargetsOptions) {
    this.#o = options
    this.#book = new LatencyBook(options.clock)
  }

  start(): void {
    const { mesh, catalog, clock, logger } = this.#o
    for (const { name, latencyTargetMs } of catalog.list('function')) if (latencyTargetMs !== undefined) this.#names.add(name)
    this.#unsubscribe = catalog.onChange((kind, name) => {
      if (kind !== 'function') return
      if (catalog.get('function', name)?.latencyTargetMs !== undefined) this.#names.add(name)
      else if (this.#names.delete(name)) this.#forget(name)
    })
    mesh.handle(MESSAGE.DEMAND, (peerId, request) => {
      try {
        this.#take(peerId, demandFromWire(request.header))
      } catch (error) {
        logger.warn('refused a message about demand', { peerId, reason: messageOf(error) })
      }
      if (!request.notification) request.reply(undefined)
    })
    this.#timer = clock.every(DEMAND_PERIOD_MS, () => this.#tick())
  }

  stop(): void {
    this.#timer?.cancel()
    this.#unsubscribe?.()
  }

  /** `listener` is called when other instances are wanted than before. */
  onChange(listener: () => void): void {
    this.#changed = listener
  }

  enter(target: ResolvedFunction, targetMs: number, done: OnAnswer): OnAnswer {
    return this.#book.enter(target, targetMs, done)
  }

  /** Versions that are kept warm for a target, also those of which 0 are wanted: what is idle of them beyond that is not kept for long. */
  wanted(): WarmWanted[] {
    return this.#current().map(({ decision: { functionName, version, warm } }) => ({ functionName, version, count: warm }))
  }

  /** In order of name and version. `warmHere` says how many of a version are this node's to keep. */
  status(warmHere: (functionName: string, version: string) => number): LatencyStatus[] {
    return this.#current()
      .map(({ decision, owner }): LatencyStatus => {
        const { functionName, version, ...rest } = decision
        return { function: functionName, version, ...rest, warmHere: warmHere(functionName, version), owner }
      })
      .sort((a, b) => (a.function < b.function || (a.function === b.function && a.version < b.version) ? -1 : 1))
  }

  #current(): Heard[] {
    const before = this.#o.clock.monotonic() - DEMAND_STALE_MS
    return [...this.#heard.values()].filter(({ at }) => at >= before)
  }

  #tick(): void {
    const { mesh } = this.#o
    this.#report()
    if (this.#names.size === 0) return
    const decisions: FunctionDecision[] = []
    for (const name of this.#names) {
      if (this.#ownerOf(name) === mesh.peerId) decisions.push(...this.#decide(name))
      else this.#resign(name)
    }
    this.#tell(decisions)
  }

  /** Sends what was seen here to those who decide. */
  #report(): void {
    const { mesh, clock } = this.#o
    const byOwner = Map.groupBy(this.#book.take(), ({ functionName }) => this.#ownerOf(functionName))
    for (const [owner, samples] of byOwner) {
      if (owner !== mesh.peerId) this.#send(owner, samplesToWire(samples))
      else for (const one of samples) this.#scalerOf(one)?.observe(clock.monotonic(), mesh.peerId, one.sample)
    }
  }

  #take(peerId: string, message: ReturnType<typeof demandFromWire>): void {
    const { clock } = this.#o
    const now = clock.monotonic()
    if (message.kind === 'seen') {
      for (const one of message.samples) {
        // Who sees other nodes than this one may take it for the one that decides; that passes.
        if (this.#names.has(one.functionName)) this.#scalerOf(one)?.observe(now, peerId, one.sample)
      }
      return
    }
    let changed = false
    for (const decision of message.decisions) {
      if (this.#names.has(decision.functionName) && this.#ownerOf(decision.functionName) === peerId)
        changed = this.#hear({ decision, owner: peerId, at: now }) || changed
    }
    if (changed) this.#changed()
  }

  /** Returns whether other instances are wanted. */
  #hear(heard: Heard): boolean {
    const key = keyOf(heard.decision)
    const before = this.#heard.get(key)
    if (before === undefined && this.#heard.size >= LATENCY_VERSIONS_MAX) this.#dropStale(heard.at)
    if (before === undefined && this.#heard.size >= LATENCY_VERSIONS_MAX) return false
    this.#heard.set(key, heard)
    return before?.decision.warm !== heard.decision.warm
  }

  /** Who decides stops speaking of versions that nobody calls. */
  #dropStale(now: number): void {
    for (const [key, { at }] of this.#heard) if (at < now - DEMAND_STALE_MS) this.#heard.delete(key)
  }

  #decide(name: string): FunctionDecision[] {
    const { catalog, clock } = this.#o
    const now = clock.monotonic()
    const record = catalog.get('function', name)
    const targetMs = record?.latencyTargetMs
    if (record === undefined || targetMs === undefined) return []
    const slots = this.#slots()
    const decisions: FunctionDecision[] = []
    for (const [version, scaler] of this.#scalersOf(name)) {
      const known = versionOf(catalog, record, version)
      const forgotten = now - scaler.lastCallAt > LATENCY_FORGET_MS && version !== LATEST
      if (known === undefined || forgotten) {
        this.#drop(name, version)
        this.#heard.delete(`${name}:${version}`)
        continue
      }
      const startMs = this.#o.instances.startMs(known.revisionId)
      if (startMs !== undefined && !scaler.knowsStart) scaler.started(startMs)
      decisions.push({ functionName: name, version, targetMs, ...scaler.decide(now, targetMs, slots) })
    }
    return decisions
  }

  /** Where it was decided elsewhere before, what was decided for; before anything of it was called, `$LATEST` is what will be. */
  #scalersOf(name: string): ReadonlyMap<string, LatencyScaler> {
    const known = this.#scalers.get(name)
    if (known !== undefined) return known
    for (const { decision } of this.#current()) if (decision.functionName === name) this.#scalerOf(decision)
    this.#scalerOf({ functionName: name, version: LATEST })
    return this.#scalers.get(name) ?? new Map()
  }

  #scalerOf({ functionName, version }: { functionName: string; version: string }): LatencyScaler | undefined {
    const versions = this.#scalers.get(functionName) ?? new Map<string, LatencyScaler>()
    const known = versions.get(version)
    if (known !== undefined) return known
    if (this.#scalersKept >= LATENCY_VERSIONS_MAX) return undefined
    const now = this.#o.clock.monotonic()
    const scaler = new LatencyScaler(now)
    const heard = this.#heard.get(`${functionName}:${version}`)
    if (heard !== undefined) scaler.adopt(now, heard.decision.warm)
    this.#scalers.set(functionName, versions.set(version, scaler))
    this.#scalersKept++
    return scaler
  }

  #drop(name: string, version: string): void {
    const versions = this.#scalers.get(name)
    if (versions?.delete(version) !== true) return
    this.#scalersKept--
    if (versions.size === 0) this.#scalers.delete(name)
  }

  #tell(decisions: readonly FunctionDecision[]): void {
    const { mesh, clock } = this.#o
    const now = clock.monotonic()
    let changed = false
    for (const decision of decisions) changed = this.#hear({ decision, owner: mesh.peerId, at: now }) || changed
    if (changed) this.#changed()
    if (decisions.length === 0) return
    const said = decisions.map(({ functionName, version, warm, state, reason }) => [functionName, version, warm, state, reason])
    const fingerprint = JSON.stringify(said)
    if (fingerprint === this.#lastTold && now - this.#lastToldAt < DEMAND_QUIET_MS) return
    this.#lastTold = fingerprint
    this.#lastToldAt = now
    const header = decisionsToWire(decisions)
    for (const peerId of mesh.peers()) this.#send(peerId, header)
  }

  #send(peerId: string, header: unknown[]): void {
    // Lost is lost: the next second's comes anyway.
    this.#o.mesh.request(peerId, MESSAGE.DEMAND, header, NOTHING, () => undefined)
  }

  /** Another node decides now. */
  #resign(name: string): void {
    this.#scalersKept -= this.#scalers.get(name)?.size ?? 0
    this.#scalers.delete(name)
  }

  #forget(name: string): void {
    this.#resign(name)
    for (const [key, { decision }] of this.#heard) if (decision.functionName === name) this.#heard.delete(key)
    this.#changed()
  }

  #ownerOf(name: string): string {
    const { mesh } = this.#o
    return rendezvousOwner(name, [mesh.peerId, ...mesh.peers()])
  }

  /** What all nodes that are known can run at once. */
  #slots(): number {
    const { mesh, table, instances } = this.#o
    return mesh.peers().reduce((sum, peerId) => sum + (table.get(peerId)?.slots ?? 0), instances.slots)
  }
}

function keyOf({ functionName, version }: { functionName: string; version: string }): string {
  return `${functionName}:${version}`
}
