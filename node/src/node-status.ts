import { createRequire } from 'node:module'
import type { CatalogService } from '@peerless/catalog'
import type { Instances } from '@peerless/instances'
import {
  type DrainAnswer,
  type InviteAnswer,
  type InviteAsked,
  type LatencyStatus,
  type LeaveAnswer,
  type LeaveOrder,
  type LeavePlan,
  type MeshStatus,
  type NodeStatus,
  PeerlessError,
  type PeerStatus,
  type RemovalAnswer
} from '@peerless/interface'
import type { InvocationService } from '@peerless/invocation'
import type { PeerlessMesh } from '@peerless/mesh'
import type { Departing } from './departing.ts'
import type { Draining } from './draining.ts'
import type { Machine } from './machine.ts'
import { machineNamed } from './machine-named.ts'
import { VERSION } from './version.ts'

const ISOLATED_VM = (createRequire(import.meta.url)('isolated-vm/package.json') as { version: string }).version

/** What the gateway shows of the mesh, put together from the parts that know. */
export class NodeMeshStatus implements MeshStatus {
  executorAnswered = false
  /** It is about to end. */
  stopping = false
  readonly #mesh: PeerlessMesh
  readonly #catalog: CatalogService
  readonly #instances: Instances
  readonly #invocation: InvocationService
  readonly #account: string
  readonly #machine: Machine
  readonly #warmHere: (functionName: string, version: string) => number
  readonly #aside: Draining
  readonly #departing: Departing

  constructor(options: {
    mesh: PeerlessMesh
    catalog: CatalogService
    instances: Instances
    invocation: InvocationService
    account: string
    machine: Machine
    /** Instances of a version that this node is to keep warm. */
    warmHere: (functionName: string, version: string) => number
    draining: Draining
    departing: Departing
  }) {
    this.#mesh = options.mesh
    this.#catalog = options.catalog
    this.#instances = options.instances
    this.#invocation = options.invocation
    this.#account = options.account
    this.#machine = options.machine
    this.#warmHere = options.warmHere
    this.#aside = options.draining
    this.#departing = options.departing
  }

  get peerId(): string {
    return this.#mesh.peerId
  }

  get meshId(): string {
    return this.#mesh.meshId
  }

  /** This node first, then every node of the catalog, by name. */
  peers(): PeerStatus[] {
    const connected = new Set(this.#mesh.peers())
    const records = this.#catalog.list('node').filter(({ peerId }) => !this.#mesh.isRemoved(peerId))
    const known = new Map(records.map((record) => [record.peerId, record]))
    for (const peerId of connected) {
      // A node that joined a moment ago, before its record came.
      if (!known.has(peerId))
        known.set(peerId, { peerId, name: '', account: '', addresses: [], version: '', httpAddress: undefined })
    }
    known.delete(this.#mesh.peerId)
    const others = [...known.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return [
      this.#self(),
      ...others.map(({ peerId, name, addresses, version }): PeerStatus => {
        const load = this.#invocation.loadOf(peerId)
        const refusal = connected.has(peerId) ? undefined : this.#mesh.refused.by(peerId)
        const status = !connected.has(peerId) ? 'unreachable' : load?.draining === true ? 'draining' : 'connected'
        return {
          peerId,
          name,
          self: false,
          status,
          addresses,
          rttMs: this.#mesh.rttMs(peerId) ?? null,
          clockOffsetMs: this.#mesh.status(peerId)?.clockOffsetMs ?? null,
          slots: load?.slots ?? 0,
          inFlight: load?.inFlight ?? 0,
          version,
          machine: this.#machine.of(peerId),
          ...(refusal === undefined ? {} : { refusal })
        }
      })
    ]
  }

  node(): NodeStatus {
    return {
      peerId: this.#mesh.peerId,
      name: this.#mesh.name,
      mesh: this.#mesh.meshId,
      account: this.#account,
      version: VERSION,
      node: process.version,
      v8: process.versions.v8,
      isolatedVm: ISOLATED_VM,
      addresses: this.#mesh.addresses(),
      slots: this.#instances.slots,
      busy: this.#instances.busy,
      draining: this.#draining,
      instances: this.#instances.list(),
      isolation: this.#instances.isolation(),
      memory: this.#instances.memory(),
      starts: Object.fromEntries(this.#instances.starts())
    }
  }

  latency(): LatencyStatus[] {
    return this.#invocation.latency.status((name, version) => this.#warmHere(name, version))
  }

  allInstances(): ReturnType<InvocationService['allInstances']> {
    return this.#invocation.allInstances()
  }

  async invite(order: InviteAsked): Promise<InviteAnswer> {
    return { token: await this.#mesh.invite(order) }
  }

  async remove(node: string, withInvited: boolean): Promise<RemovalAnswer> {
    const machine = this.#machineNamed(node)
    const stays = (peerId: string) => !withInvited && this.#machine.of(peerId) !== machine
    return { removed: await this.#mesh.remove(machine, stays) }
  }

  /** Also one that was removed, by its id: who removed it may change their mind about those that it let in. */
  #machineNamed(node: string): string {
    // By their certificates: the catalog says of a node what it says itself, or nothing.
    const nodes = this.#mesh.members().map(({ peerId, name }) => {
      return { peerId, name, issuer: this.#mesh.memberOf(peerId)?.issuer, machine: this.#machine.of(peerId) }
    })
    const machine = machineNamed(node, nodes)
    if (machine !== undefined) return machine
    if (this.#mesh.isRemoved(node)) return node
    throw new PeerlessError('NOT_FOUND', `there is no node '${node.slice(0, 64)}' in this mesh`)
  }

  redeem(token: string): ReturnType<MeshStatus['redeem']> {
    return this.#mesh.redeem(token)
  }

  unready(): string | undefined {
    if (this.#draining) return 'draining'
    if (!this.#catalog.caughtUp()) return 'the catalog has not caught up with the mesh yet'
    if (!this.executorAnswered) return 'no executor has answered yet'
    if (this.#instances.slots === 0 && !this.#mesh.peers().some((peerId) => this.#runs(peerId)))
      return 'it runs nothing itself (--slots 0), and no node that does is connected'
    return undefined
  }

  leavePlan(order: LeaveOrder): Promise<LeavePlan> {
    return this.#departing.plan(order)
  }

  leave(order: LeaveOrder): Promise<LeaveAnswer> {
    return this.#departing.leave(order)
  }

  setDraining(draining: boolean): DrainAnswer {
    return this.#departing.setDraining(draining)
  }

  /** By its last report it takes work. */
  #runs(peerId: string): boolean {
    const load = this.#invocation.loadOf(peerId)
    return load !== undefined && load.slots > 0 && !load.draining
  }

  get #draining(): boolean {
    return this.stopping || this.#aside.on
  }

  #self(): PeerStatus {
    return {
      peerId: this.#mesh.peerId,
      name: this.#mesh.name,
      self: true,
      status: this.#draining ? 'draining' : 'connected',
      addresses: this.#mesh.addresses(),
      rttMs: 0,
      clockOffsetMs: 0,
      slots: this.#instances.slots,
      inFlight: this.#invocation.inFlight,
      version: VERSION,
      machine: this.#machine.id
    }
  }
}
