import {
  type Clock,
  type DrainAnswer,
  type LeaveAnswer,
  type LeaveOrder,
  type LeavePlan,
  type Logger,
  messageOf,
  type NodeName,
  PeerlessError
} from '@peerless/interface'
import type { DepartureTold, PeerlessMesh } from '@peerless/mesh'
import type { Left, QueueService } from '@peerless/queue'
import type { CodeElsewhere } from './code-elsewhere.ts'
import type { LeftFile } from './data-folder.ts'
import type { Draining } from './draining.ts'
import type { FloorElsewhere } from './floor-elsewhere.ts'
import type { Machine } from './machine.ts'
import { machineNamed } from './machine-named.ts'

/** What runs may finish for as long as at a stop. */
const QUIET_MS_MAX = 10_000
const LOOK_MS = 20
/** For the peers to pull what was deployed here a moment ago. */
const REPLICATED_MS_MAX = 60_000
/** For the peers to launch what is to be warm and was so here. */
const WARM_MS_MAX = 10_000
/** For a start that is to end what the last one began: a mesh is found again within that, or not. */
const FOUND_MS_MAX = 15_000

export interface DepartingParts {
  readonly mesh: PeerlessMesh
  readonly machine: Machine
  readonly draining: Draining
  readonly queue: Pick<QueueService, 'drain' | 'handOver' | 'resume' | 'stats'>
  readonly events: { start(): void; stop(): void }
  readonly invocation: { readonly inFlight: number; setRefusing(refusing: boolean): void }
  readonly ledger: { flush(): Promise<void>; owing(): Promise<string[]> }
  readonly code: Pick<CodeElsewhere, 'wait' | 'setGoing'>
  readonly floor: Pick<FloorElsewhere, 'wait'>
  readonly folder: { markLeft(file: LeftFile): Promise<void> }
  readonly clock: Clock
  readonly logger: Logger
  /** The further fronts of this machine, once they are started. */
  readonly fronts: () => { giveAway(): Promise<Left>; keep(): void } | undefined
  /** It has left: the process is to end. */
  readonly onLeft: () => void
}

/** How this node, and the machine whose first front it is, goes for good: nothing that it was given is lost, and nobody waits for it. */
export class Departing {
  readonly #o: DepartingParts
  #going = false
  /** Whether it is to drain should it not leave after all. */
  #drained = false
  #given = false

  constructor(parts: DepartingParts) {
    this.#o = parts
  }

  /** What would happen. @throws NOT_FOUND, CONFLICT, FORBIDDEN about the successor that was named */
  async plan(order: LeaveOrder): Promise<LeavePlan> {
    const { mesh, queue } = this.#o
    const { peerId, name, meshId } = mesh
    const others = this.#others()
    const candidates = this.#candidates().map((id) => ({ ...this.#named(id), connected: mesh.peers().includes(id) }))
    const successor = this.#successor(order)
    const { events, deadLetters } = queue.stats()
    return {
      peerId,
      name,
      mesh: meshId,
      members: others.length,
      connected: others.filter((id) => mesh.peers().includes(id)).length,
      letIn: others.filter((id) => mesh.memberOf(id)?.issuer === peerId).length,
      head: mesh.leaving.head === peerId,
      successor: successor === undefined ? null : this.#named(successor),
      candidates,
      events,
      deadLetters,
      // Those that are connected do so when they are asked, as they are before this node leaves.
      owing: (await this.#owing()).filter(({ peerId: id }) => !mesh.peers().includes(id))
    }
  }

  /**
   * Finishes or hands over all that this node has, ends its membership, and lets the process end. Where something cannot be handed over it stays, and works on.
   * @throws as `plan`; CONFLICT when it is leaving already, UNAVAILABLE naming what only this node has or that nobody would hear of it
   */
  async leave(order: LeaveOrder): Promise<LeaveAnswer> {
    const { mesh, draining, logger } = this.#o
    if (this.#going || mesh.leaving.done) throw new PeerlessError('CONFLICT', 'this node is leaving its mesh already')
    const successor = this.#successor(order)
    const others = this.#others()
    this.#checkHeard(others)
    this.#drained = draining.on
    this.#going = true
    logger.warn('this node leaves its mesh', { successor })
    try {
      mesh.leaving.begun = true
      this.#o.code.setGoing(true)
      draining.set(true)
      if (others.length > 0) await this.#giveMachineAway()
      else await this.#giveEventsAway()
      return await this.#end(successor, others)
    } catch (error) {
      this.#going = false
      if (mesh.leaving.done) {
        // There is no way back: what is still to be told, its next start tells.
        this.#o.onLeft()
        throw error
      }
      logger.error('this node does not leave', { reason: messageOf(error) })
      mesh.leaving.begun = false
      this.#o.fronts()?.keep()
      this.keep()
      draining.set(this.#drained)
      throw error
    }
  }

  /** As the operator says. @throws CONFLICT where work is asked for at a node that leaves: it would be given some up to its end */
  setDraining(draining: boolean): DrainAnswer {
    if (this.#going) {
      if (!draining) throw new PeerlessError('CONFLICT', 'this node is leaving its mesh: it takes no more work')
      this.#drained = true
    }
    return this.#o.draining.set(draining)
  }

  /**
   * What a front does when its machine leaves: its clients' deployments end too, and what they brought a moment ago may be at this front alone.
   * Resolves with what only this node has. @throws UNAVAILABLE naming the code that no other machine has
   */
  async giveAway(): Promise<Left> {
    this.#o.code.setGoing(true)
    await this.#codeElsewhere()
    return await this.#giveEventsAway()
  }

  /** Finishes what runs, and hands over the rest. Resolves with what only this node has. */
  async #giveEventsAway(): Promise<Left> {
    const { events, queue, invocation, ledger } = this.#o
    this.#given = true
    events.stop()
    queue.drain()
    // What its clients bring would be under way at peers for ever.
    invocation.setRefusing(true)
    await this.#quiet()
    const left = await queue.handOver()
    await ledger.flush()
    return left
  }

  /** Goes on after that. */
  keep(): void {
    const { events, queue, invocation, code } = this.#o
    code.setGoing(false)
    if (!this.#given) return
    this.#given = false
    invocation.setRefusing(false)
    queue.resume()
    events.start()
  }

  /**
   * For a node that had left when its last run ended before its folder was marked: tells the mesh, and marks it.
   * @throws always: CONFLICT when that is done, UNAVAILABLE when nobody heard
   */
  async finish(): Promise<never> {
    const { draining, queue } = this.#o
    // Peers that have not heard yet take it for one that works.
    draining.set(true)
    queue.drain()
    await this.#heard({ told: [], untold: [] }, this.#others())
    throw hasLeft(await this.#mark(undefined))
  }

  async #owing(): Promise<NodeName[]> {
    const { mesh, ledger, logger } = this.#o
    try {
      return (await ledger.owing()).filter((id) => mesh.memberOf(id) !== undefined).map((id) => this.#named(id))
    } catch (error) {
      // A ledger that is broken keeps nobody: it says so itself.
      logger.warn('who has not signed for calls here is not known', { reason: messageOf(error) })
      return []
    }
  }

  #checkHeard(others: readonly string[]): void {
    const { mesh } = this.#o
    if (others.length === 0 || mesh.peers().some((peerId) => others.includes(peerId))) return
    const refusal = others.map((peerId) => mesh.refused.by(peerId)).find((said) => said !== undefined)
    if (refusal !== undefined)
      throw new PeerlessError('CONFLICT', `none of the ${others.length} other members talks to this node: ${refusal}`)
    throw new PeerlessError(
      'UNAVAILABLE',
      `none of the ${others.length} other members is connected: nobody would hear that this node left, and what only it has would be gone`
    )
  }

  /** Those that are under way here, and what its clients wait for from elsewhere. What takes longer is cut off, as at a stop. */
  async #quiet(): Promise<void> {
    const { invocation, clock } = this.#o
    const until = clock.monotonic() + QUIET_MS_MAX
    while (invocation.inFlight > 0 && clock.monotonic() < until) await this.#look()
  }

  async #codeElsewhere(): Promise<void> {
    const alone = await this.#o.code.wait(REPLICATED_MS_MAX)
    if (alone.length === 0) return
    const names = [...new Set(alone.map(({ name }) => name))].slice(0, 10).join(', ')
    throw new PeerlessError(
      'UNAVAILABLE',
      `${alone.length} blocks of code are on no other node after ${REPLICATED_MS_MAX} ms, of ${names}: try again when the others have pulled them, or remove those functions`
    )
  }

  async #giveMachineAway(): Promise<void> {
    // First: another machine that leaves as well may count on none of this one's fronts by the time that this one asks what is elsewhere.
    const ofFronts = await this.#o.fronts()?.giveAway()
    await this.#codeElsewhere()
    await this.#o.floor.wait(WARM_MS_MAX)
    const own = await this.#giveEventsAway()
    const events = own.events + (ofFronts?.events ?? 0)
    if (events > 0) {
      throw new PeerlessError(
        'UNAVAILABLE',
        `${events} events that were accepted here are on no other node's disk, and none takes them: try again when they have run, or when another node is connected`
      )
    }
    const ends = own.ends + (ofFronts?.ends ?? 0)
    if (ends > 0) {
      throw new PeerlessError(
        'UNAVAILABLE',
        `results or dead letters of events are on no other machine's disk, ${ends} of them at least, and none took them in time: try again, which goes on where this ended, or when another node is connected`
      )
    }
  }

  async #end(successor: string | undefined, others: readonly string[]): Promise<LeaveAnswer> {
    const { mesh, onLeft } = this.#o
    // Its fronts are this machine, and nobody starts them again.
    const members = mesh.members().map(({ peerId }) => peerId)
    const goes = members.filter((peerId) => peerId !== mesh.peerId && this.#isFront(peerId))
    const owing = await this.#owing()
    const { told, untold } = await this.#heard(await mesh.leaving.leave({ successor, goes }), others)
    await this.#mark(successor)
    onLeft()
    return { peerId: mesh.peerId, successor: successor === undefined ? null : this.#named(successor), told, untold, owing }
  }

  /** A peer that lost the connection before it answered refuses the next one if it knows. @throws UNAVAILABLE */
  async #heard(said: DepartureTold, others: readonly string[]): Promise<DepartureTold> {
    if (said.told.length > 0 || others.length === 0) return said
    const { mesh, clock } = this.#o
    const until = clock.monotonic() + FOUND_MS_MAX
    while (!mesh.leaving.isKnown && mesh.peers().length === 0 && clock.monotonic() < until) await this.#look()
    const again = await mesh.leaving.tell()
    if (again.told.length === 0) throw unheard()
    return again
  }

  /** From here on nothing begins in this folder any more. */
  async #mark(successor: string | undefined): Promise<LeftFile> {
    const { mesh, folder, clock } = this.#o
    const file = { at: clock.now(), mesh: mesh.meshId, peerId: mesh.peerId, name: mesh.name, ...(successor ? { successor } : {}) }
    await folder.markLeft(file)
    return file
  }

  #successor({ successor }: LeaveOrder): string | undefined {
    const { mesh } = this.#o
    if (successor === null) return undefined
    const candidates = this.#candidates()
    // The eldest, if nobody says otherwise: it has been looked at for the longest. One that is away would not hear of it before others do.
    if (successor === undefined) {
      const there = candidates.filter((peerId) => mesh.peers().includes(peerId))
      // Nor one that is about to stop, or to leave itself: it would hand nothing on, as it does not know yet that it has it.
      return there.find((peerId) => mesh.status(peerId)?.status === 'connected') ?? there[0]
    }
    const nodes = mesh.members().map(({ peerId, name }) => {
      return { peerId, name, issuer: mesh.memberOf(peerId)?.issuer, machine: this.#o.machine.of(peerId) }
    })
    const peerId = machineNamed(successor, nodes)
    if (peerId === undefined) throw new PeerlessError('NOT_FOUND', `there is no node '${successor.slice(0, 64)}' in this mesh`)
    if (candidates.includes(peerId)) return peerId
    const why =
      mesh.leaving.head === mesh.peerId
        ? `it must be one whom nobody else can remove: ${candidates.map((id) => `${this.#named(id).name} (${id})`).join(', ') || 'there is none'}`
        : 'this node has nothing to hand on: those above it can remove whom it let in'
    throw new PeerlessError('FORBIDDEN', `${successor.slice(0, 64)} cannot succeed this node; ${why}`)
  }

  #candidates(): string[] {
    return this.#o.mesh.leaving.successors().filter((peerId) => !this.#isFront(peerId))
  }

  /** By its own word and by who let it in: a node could say that it is on any machine. */
  #isFront(peerId: string): boolean {
    const { mesh, machine } = this.#o
    return machine.of(peerId) === machine.id && mesh.memberOf(peerId)?.issuer === mesh.peerId
  }

  /** Members that are not this machine. */
  #others(): string[] {
    const { mesh } = this.#o
    return mesh
      .members()
      .map(({ peerId }) => peerId)
      .filter((peerId) => peerId !== mesh.peerId && !this.#isFront(peerId))
  }

  #named(peerId: string): NodeName {
    return { peerId, name: this.#o.mesh.memberOf(peerId)?.name ?? '' }
  }

  async #look(): Promise<void> {
    await new Promise<void>((resolve) => this.#o.clock.after(LOOK_MS, resolve))
  }
}

/** Why nothing starts in a folder. */
export function hasLeft({ at, mesh, name, peerId }: LeftFile): PeerlessError {
  return new PeerlessError(
    'CONFLICT',
    `the node of this data folder, ${name} (${peerId}), left mesh ${mesh} at ${new Date(at).toISOString()} and is no member any more. To begin anew, give an empty folder with --data, and an invite with --join to join a mesh again; this one can be deleted`
  )
}

function unheard(): PeerlessError {
  return new PeerlessError(
    'UNAVAILABLE',
    'this node has left its mesh, but no other member has said that it knows: start it once more where it reaches one, and it tells it and ends'
  )
}
