import { BEACON_PERIOD_MS, FAILING_TOLD_MAX, type Told } from '@peerless/routing'
import { SeededRandom } from '@peerless/testing'
import { EventWheel } from './_event-wheel.ts'
import type { Results } from './_metrics.ts'
import { DEFAULTS, type Fault, type SimulationOptions } from './_options.ts'
import { isSilent, type Policy, type PolicyName, policyOf } from './_policies.ts'
import type { Call, SimNode } from './_sim-node.ts'
import { Tally } from './_tally.ts'
import { type Arrival, normal, Workload } from './_workload.ts'
import { SimWorld } from './_world.ts'

const EVENT = { ARRIVE: 0, REACH: 1, DONE: 2, REPLY: 3, BEACON: 4, REPORT: 5, FAULT: 6, PREPARED: 7, HELD: 8 } as const
/** As packages/invocation has them. */
const PLACES_TRIED_MAX = 4
const WAITING_MS_MAX = 10_000
/** As packages/invocation has it. */
const HELD_SLOTS_SHARE = 1 / 32
const HELD_MS_MAX = 20
/** As packages/instances has it. */
const BESIDE_SHARE_MAX = 15 / 16
const FAST_FAILURE_MS = 1
/** A node that went away is taken out of the others' tables. */
const DETECTION_MS = 5_000
/** A daemon hears at most 256. */
const HEARD_MAX = 1_000
const NO_IDLE: ReadonlyMap<string, number> = new Map()
const NOBODY: ReadonlySet<string> = new Set()

/** A mesh in virtual time, told to a policy as the daemon tells it: own state, reports that are a little old, and what replies say. */
export class Simulation {
  readonly #world: SimWorld
  readonly #o: SimulationOptions
  readonly #events = new EventWheel<unknown>()
  readonly #workload: Workload
  readonly #policy: Policy
  readonly #waitingNodes = new Set<SimNode>()
  /** The omniscient has one queue for all. */
  readonly #central: Call[] | undefined
  readonly #end: number
  readonly #tally: Tally
  #now = 0
  #eventCount = 0
  #pumping = false

  constructor(options: Partial<SimulationOptions> = {}) {
    const o = { ...DEFAULTS, ...options }
    this.#o = o
    this.#tally = new Tally(o)
    this.#end = o.warmUpMs + o.measureMs
    this.#world = new SimWorld(o)
    const random = new SeededRandom(o.seed)
    this.#workload = new Workload({ ...o, rate: (o.load * this.#world.capacity) / o.serviceMs }, () => random.next())
    this.#policy = policyOf(o.policy, this.#world)
    this.#central = o.policy === 'omniscient' ? [] : undefined
  }

  run(): Results {
    const started = performance.now()
    const events = this.#events
    for (const node of this.#world.nodes) events.push(this.#world.random() * BEACON_PERIOD_MS, EVENT.BEACON, node)
    for (const fault of this.#o.faults) events.push(fault.at, EVENT.FAULT, fault)
    this.#arriveNext()
    let measuring = false
    while (events.pop()) {
      this.#now = events.time
      this.#world.at(this.#now)
      if (!measuring && this.#now >= this.#o.warmUpMs) {
        measuring = true
        for (const node of this.#world.nodes) node.measureFrom(this.#o.warmUpMs)
      }
      if (this.#now > this.#end) break
      this.#eventCount++
      this.#handle(events.kind, events.payload)
    }
    return {
      ...this.#tally.results(this.#world.nodes, this.#end, this.#world.degree),
      events: this.#eventCount,
      seconds: (performance.now() - started) / 1_000
    }
  }

  #handle(kind: number, payload: unknown): void {
    switch (kind) {
      case EVENT.ARRIVE:
        this.#arrive(payload as Arrival)
        break
      case EVENT.REACH:
        this.#reach(payload as Call)
        break
      case EVENT.DONE:
        this.#done(payload as Call)
        break
      case EVENT.REPLY:
        this.#replied(payload as Call)
        break
      case EVENT.BEACON:
        this.#beacon(payload as SimNode)
        break
      case EVENT.REPORT:
        this.#report(payload as Reported)
        break
      case EVENT.HELD:
        this.#heldTooLong(payload as Call)
        break
      case EVENT.PREPARED:
        this.#prepared(payload as Prepared)
        break
      default:
        this.#fault(payload as Fault)
    }
  }

  #report({ from, told }: Reported): void {
    if (told === undefined) return
    this.#world.heard({ ...told, at: this.#now }, from)
    // The daemon lets the waiting try again at every report. Policies that do not learn from a refusal would flood the mesh with that.
    if (this.#o.policy === 'peerless' && this.#waitingNodes.size > 0) this.#pumpWho(from)
  }

  #arriveNext(): void {
    const arrival = this.#workload.next()
    for (let timer = this.#workload.timer(arrival.at); timer !== undefined; timer = this.#workload.timer(arrival.at)) {
      this.#events.push(timer.at, EVENT.ARRIVE, timer)
    }
    arrival.last = true
    this.#events.push(arrival.at, EVENT.ARRIVE, arrival)
  }

  #arrive(arrival: Arrival): void {
    if (arrival.last) this.#arriveNext()
    const { entries } = this.#o
    const count = entries.length > 0 ? entries.length : this.#world.nodes.length
    let turn = Math.floor(arrival.place * count)
    const nodeAt = (at: number) => this.#world.nodes[entries.length > 0 ? (entries[at % count] as number) : at % count] as SimNode
    // Clients leave nodes that are down or draining.
    for (let tries = 0; tries < count && (nodeAt(turn).failing === 'down' || nodeAt(turn).draining); tries++) turn++
    const caller = nodeAt(turn)
    this.#dispatch({
      arrival,
      revision: revisionOf(arrival.fn),
      caller,
      refused: NOBODY,
      tries: 0,
      waitUntil: 0,
      at: caller,
      cold: false,
      onlyIdle: false,
      outcome: 'ran',
      hint: undefined
    })
  }

  #dispatch(call: Call): void {
    const queue = this.#central ?? call.caller.waiting
    if ((queue.length === 0 || this.#pumping) && this.#tryPlace(call)) return
    if (call.waitUntil === 0) {
      call.waitUntil = this.#now + WAITING_MS_MAX
      this.#tally.waits(call)
    }
    queue.push(call)
    if (this.#central === undefined) this.#waitingNodes.add(call.caller)
  }

  #tryPlace(call: Call): boolean {
    if (call.tries >= PLACES_TRIED_MAX) return false
    const node = this.#policy(call)
    if (node === undefined) return false
    call.tries++
    call.at = node
    this.#tally.tried(call)
    if (node === call.caller) {
      this.#reach(call)
      return true
    }
    node.expect(1)
    if (this.#o.policy === 'peerless') this.#world.tableOf(call.caller).sent(node.id, call.revision)
    this.#events.push(this.#now + this.#world.oneWay(call.caller, node), EVENT.REACH, call)
    return true
  }

  #reach(call: Call): void {
    const { at: node, caller } = call
    const away = node !== caller
    if (away) node.expect(-1)
    if (node.failing !== 'no') {
      // Down: nothing was sent, or it never comes back. Fast: it answers at once, and wrongly.
      call.outcome = 'failed'
      this.#events.push(this.#now + FAST_FAILURE_MS, EVENT.REPLY, call)
    } else if (
      node.busy >= node.slots ||
      (away && node.draining) ||
      (call.onlyIdle && node.idleOf(call.revision, this.#now) === 0)
    ) {
      if (away && this.#hold(node, call)) return
      call.outcome = 'busy'
      if (node.busy < node.slots && !node.draining) this.#launchBeside(node, call.revision)
      if (away) this.#reply(call)
      else this.#replied(call)
    } else {
      this.#begin(call)
    }
  }

  #begin(call: Call): void {
    const node = call.at
    node.occupy(1, this.#now)
    call.cold = !node.takeIdle(call.revision, this.#now)
    call.outcome = 'ran'
    const launch = call.cold ? this.#launchMs() : 0
    this.#events.push(this.#now + launch + call.arrival.service / node.speed, EVENT.DONE, call)
  }

  #done(call: Call): void {
    const node = call.at
    node.occupy(-1, this.#now)
    node.calls++
    if (node.failing === 'down') call.outcome = 'failed'
    else node.park(call.revision, this.#now)
    node.note(call.arrival.service / node.speed)
    if (node === call.caller) this.#replied(call)
    else this.#reply(call)
    this.#freed(node)
    if (this.#central !== undefined) this.#pumpCentral()
  }

  /** A full node lets a few calls of peers wait for a moment, where nobody waits already. */
  #hold(node: SimNode, call: Call): boolean {
    if (this.#o.policy !== 'peerless' || node.draining || node.busy < node.slots || node.waiting.length > 0) return false
    if (node.held.length >= Math.max(1, Math.floor(HELD_SLOTS_SHARE * node.slots)) || node.latencyMs() > HELD_MS_MAX * node.slots)
      return false
    node.held.push(call)
    this.#events.push(this.#now + HELD_MS_MAX, EVENT.HELD, call)
    return true
  }

  #heldTooLong(call: Call): void {
    const at = call.at.held.indexOf(call)
    if (at < 0) return
    call.at.held.splice(at, 1)
    call.outcome = 'busy'
    this.#reply(call)
  }

  /** A slot is free: who waits here goes first, then who was held. */
  #freed(node: SimNode): void {
    this.#pump(node)
    while (node.held.length > 0 && node.busy < node.slots) this.#begin(node.held.shift() as Call)
  }

  /** As packages/instances does when it is told that an idle instance was missed: one at a time, and not where it is nearly full. */
  #launchBeside(node: SimNode, revision: string): void {
    if (node.preparing.has(revision) || node.busy > BESIDE_SHARE_MAX * node.slots) return
    node.preparing.add(revision)
    node.occupy(1, this.#now)
    this.#tally.launchedBeside(this.#now)
    this.#events.push(this.#now + this.#launchMs(), EVENT.PREPARED, { node, revision } satisfies Prepared)
  }

  #launchMs(): number {
    return this.#o.coldMs * Math.exp(0.5 * normal(() => this.#world.random()))
  }

  #prepared({ node, revision }: Prepared): void {
    node.preparing.delete(revision)
    node.occupy(-1, this.#now)
    node.park(revision, this.#now)
    this.#freed(node)
  }

  #reply(call: Call): void {
    const { at: node } = call
    if (this.#o.policy === 'peerless' && node.failing === 'no') {
      call.hint = {
        boot: node.boot,
        sequence: ++node.sequence,
        slots: node.slots,
        busy: node.busy,
        inFlight: node.busy,
        latencyMs: 0,
        idle: node.idleOf(call.revision, this.#now)
      }
    }
    this.#events.push(this.#now + this.#world.oneWay(call.caller, node), EVENT.REPLY, call)
  }

  #replied(call: Call): void {
    const { at: node, caller } = call
    if (node !== caller && this.#o.policy === 'peerless') {
      const table = this.#world.tableOf(caller)
      table.settled(
        node.id,
        call.revision,
        call.outcome === 'failed' ? 'failed' : call.outcome === 'busy' ? 'refused' : 'answered',
        this.#now
      )
      if (call.hint !== undefined) {
        const known = table.get(node.id)
        table.hint(node.id, call.revision, { ...call.hint, latencyMs: known?.latencyMs ?? 0 }, this.#now)
        call.hint = undefined
      }
      if (call.outcome === 'ran' && table.worthALaunch(call.revision)) this.#launchBeside(caller, call.revision)
    }
    if (call.outcome === 'ran') this.#tally.finished(call, this.#now)
    else if (call.outcome === 'failed' && node.failing !== 'down') this.#tally.failed(call)
    else {
      if (call.outcome === 'busy') this.#tally.bounced(call)
      call.refused = new Set([...call.refused, node.id])
      // A refusal frees no slot, so nobody who waits is let try again: the bounces would go on for ever.
      this.#dispatch(call)
      return
    }
    this.#pump(caller)
  }

  /** Whoever waits and hears that node. */
  #pumpWho(hear: SimNode): void {
    const audience = this.#world.audienceOf(hear)
    if (audience !== undefined) {
      for (const node of audience) this.#pump(node)
      return
    }
    // Where all hear all, of a larger mesh each tries as often as in one of so many: else the tries alone would grow with the square.
    const parts = Math.ceil(this.#world.nodes.length / HEARD_MAX)
    for (const node of this.#waitingNodes) if ((node.index + hear.index) % parts === 0) this.#pump(node)
  }

  #pump(node: SimNode): void {
    if (this.#pumping || node.waiting.length === 0) return
    this.#pumping = true
    // What learns nothing from refusals gets one try for each slot: all at once would bounce at the same place.
    for (let turns = this.#o.policy === 'peerless' ? node.waiting.length : 1; turns > 0; turns--) {
      const call = node.waiting.shift() as Call
      if (this.#expired(call)) continue
      call.refused = NOBODY
      call.tries = 0
      if (!this.#tryPlace(call)) {
        node.waiting.unshift(call)
        break
      }
    }
    this.#pumping = false
    if (node.waiting.length === 0) this.#waitingNodes.delete(node)
  }

  #pumpCentral(): void {
    const central = this.#central as Call[]
    while (central.length > 0) {
      const call = central.shift() as Call
      if (this.#expired(call)) continue
      call.refused = NOBODY
      call.tries = 0
      this.#pumping = true
      const placed = this.#tryPlace(call)
      this.#pumping = false
      if (placed) continue
      central.unshift(call)
      return
    }
  }

  #expired(call: Call): boolean {
    if (this.#now < call.waitUntil) return false
    this.#tally.refused(call)
    return true
  }

  #beacon(node: SimNode): void {
    this.#events.push(this.#now + BEACON_PERIOD_MS * (0.8 + 0.4 * this.#world.random()), EVENT.BEACON, node)
    if (this.#o.policy === 'peerless') this.#world.tableOf(node).sweep()
    if (node.failing === 'down') return
    this.#publish(node)
    if (this.#o.policy !== 'peerless') this.#pump(node)
  }

  #publish(node: SimNode): void {
    this.#tally.published(this.#now)
    const reported = { from: node, told: this.#o.policy === 'peerless' ? this.#told(node) : tersely(node, this.#o.policy) }
    this.#events.push(this.#now + this.#o.gossipMs * (0.5 + this.#world.random()), EVENT.REPORT, reported satisfies Reported)
  }

  #told(node: SimNode): Omit<Told, 'at'> {
    return {
      ...load(node),
      latencyMs: node.latencyMs(),
      idle: node.idleMap(this.#now),
      failing: this.#world.tableOf(node).failing(this.#now).slice(0, FAILING_TOLD_MAX)
    }
  }

  #fault({ node: index, what }: Fault): void {
    const node = this.#world.nodes[index] as SimNode
    if (what === 'drain') {
      node.become(node.failing, true)
      this.#publish(node)
    } else if (what === 'revive') this.#world.revive(node)
    else if (what === 'no') this.#world.forget(node)
    else {
      node.become(what, node.draining)
      if (what !== 'down') return
      node.crash()
      this.#events.push(this.#now + DETECTION_MS, EVENT.FAULT, { at: 0, node: index, what: 'no' } satisfies Fault)
    }
  }
}

interface Reported {
  readonly from: SimNode
  /** undefined: nobody listens. */
  readonly told: Omit<Told, 'at'> | undefined
}

function load(node: SimNode): Omit<Told, 'at' | 'latencyMs' | 'idle' | 'failing'> {
  const { id, boot, slots, busy, draining } = node
  return { node: id, boot, sequence: ++node.sequence, slots, busy, inFlight: busy, draining }
}

/** What the simpler policies read of a report, if they read any. */
function tersely(node: SimNode, policy: PolicyName): Omit<Told, 'at'> | undefined {
  if (isSilent(policy)) return undefined
  return { ...load(node), latencyMs: 0, idle: NO_IDLE, failing: [] }
}

interface Prepared {
  readonly node: SimNode
  readonly revision: string
}

const names: string[] = []
/** Looks like a revision id; made once for each function. */
function revisionOf(fn: number): string {
  return (names[fn] ??= `revision-${fn.toString(16).padStart(8, '0')}`)
}
