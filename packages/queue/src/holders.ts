import { createHash } from 'node:crypto'
import { type Clock, type Logger, type Mesh, PEER_SILENT_MS_MIN } from '@peerless/interface'
import { LEASE_MS } from './constants.ts'
import { HolderLink } from './holder-link.ts'

export interface HolderOptions {
  readonly mesh: Mesh
  readonly clock: Clock
  readonly logger: Logger
  /** Which machine a node is on: what one machine's disk loses is lost to all its nodes. */
  readonly machineOf: (peerId: string) => string
}

/**
 * Which peers keep copies of this node's events, and the links to them. The same peers as long as they are there, so that batches are large; different
 * owners choose different ones, so that the work is spread.
 */
export class Holders {
  readonly #options: HolderOptions
  readonly #count: number
  /** No node of this machine is one any more. */
  #outsideOnly = false
  readonly #links = new Map<string, HolderLink>()
  /** Connected peers in this node's order of preference; undefined when it has to be made again. */
  #ranked: string[] | undefined
  /** Peers that did not store in time, until then (monotonic milliseconds). */
  readonly #avoided = new Map<string, number>()
  /** When a peer that has a link was seen to be gone. */
  readonly #goneAt = new Map<string, number>()

  /** @param count copies beside the owner's own */
  constructor(count: number, options: HolderOptions) {
    this.#count = count
    this.#options = options
  }

  get wanted(): number {
    return this.#outsideOnly ? Math.max(1, this.#count) : this.#count
  }

  /** Copies are wanted even where none were, and on other machines: this one is going for good, or comes back if not. */
  leaving(leaving: boolean): void {
    this.#outsideOnly = leaving
  }

  /** Of an event's holders the first that is on another machine. */
  outside(holders: readonly string[]): string | undefined {
    const { mesh, machineOf } = this.#options
    const own = machineOf(mesh.peerId)
    return holders.find((peerId) => machineOf(peerId) !== own)
  }

  /** Connected peers on other machines, in this node's order of preference. */
  outsiders(): string[] {
    return this.#rank().filter((peerId) => this.outside([peerId]) !== undefined)
  }

  connected(peerId: string, connected: boolean): void {
    this.#ranked = undefined
    if (connected) this.#goneAt.delete(peerId)
    else if (this.#links.has(peerId)) this.#goneAt.set(peerId, this.#options.clock.monotonic())
  }

  /**
   * Peers to hold an event, best first: `prefer` where they are connected and not silent, then this node's own choice, each on a machine of its own as long as
   * there are some; at most as many as are wanted.
   */
  choose(prefer: readonly string[] = [], except: ReadonlySet<string> | undefined = undefined): string[] {
    const count = this.wanted
    if (count === 0) return []
    const { mesh, clock, machineOf } = this.#options
    const ranked = this.#rank()
    const chosen: string[] = []
    const own = machineOf(mesh.peerId)
    const machines = new Set([own])
    const take = (peerId: string, apart: boolean) => {
      if (chosen.length >= count || chosen.includes(peerId) || except?.has(peerId) === true) return
      if ((mesh.silentMs(peerId) ?? 0) >= PEER_SILENT_MS_MIN) return
      const machine = machineOf(peerId)
      if (apart && machines.has(machine)) return
      if (this.#outsideOnly && machine === own) return
      machines.add(machine)
      chosen.push(peerId)
    }
    for (const peerId of prefer) if (ranked.includes(peerId)) take(peerId, false)
    const now = clock.monotonic()
    for (const apart of [true, false]) {
      for (const peerId of ranked) if ((this.#avoided.get(peerId) ?? 0) <= now) take(peerId, apart)
    }
    return chosen
  }

  /** It failed to store: others are tried first for a while. */
  avoid(peerId: string): void {
    this.#avoided.set(peerId, this.#options.clock.monotonic() + LEASE_MS)
  }

  link(peerId: string): HolderLink {
    let link = this.#links.get(peerId)
    if (link === undefined) {
      link = new HolderLink(peerId, this.#options)
      this.#links.set(peerId, link)
    }
    return link
  }

  /** Tells all holders what was settled; resolves when those have it that take it within `msMax`. */
  async tellEnds(msMax: number): Promise<void> {
    const { clock } = this.#options
    const tell = (link: HolderLink) =>
      new Promise<void>((resolve) => {
        const timer = clock.after(msMax, resolve)
        link.tellEnds(() => {
          timer.cancel()
          resolve()
        })
      })
    await Promise.all([...this.#links.values()].map(tell))
  }

  /** @param counts copies that this node counts on, per holder */
  tick(now: number, counts: ReadonlyMap<string, number>): void {
    for (const [peerId, until] of this.#avoided) if (until <= now) this.#avoided.delete(peerId)
    for (const link of [...this.#links.values()]) {
      const { peerId } = link
      const holds = (counts.get(peerId) ?? 0) > 0
      link.tick(now, holds)
      const goneAt = this.#goneAt.get(peerId)
      // News for one that left are kept a while: it may be back before it takes over what was settled.
      const forget = goneAt === undefined ? !holds && link.unacked === 0 : now - goneAt > 3 * LEASE_MS
      if (forget && !holds) {
        this.#links.delete(peerId)
        this.#goneAt.delete(peerId)
      }
    }
  }

  #rank(): string[] {
    if (this.#ranked === undefined) {
      const { peerId: self } = this.#options.mesh
      const weight = (peerId: string) => createHash('sha256').update(`${self}\0${peerId}`).digest('hex')
      const weighed = this.#options.mesh.peers().map((peerId): [string, string] => [weight(peerId), peerId])
      this.#ranked = weighed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, peerId]) => peerId)
    }
    return this.#ranked
  }
}
