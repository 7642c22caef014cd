import { type Clock, type InstanceStatus, type Logger, MESSAGE, type Mesh, messageOf, PeerlessError } from '@peerless/interface'
import { decode, encode } from '@peerless/wire'
import { INSTANCES_LISTED_MAX, INSTANCES_PEER_TIMEOUT_MS } from './constants.ts'

/** MESSAGE.INSTANCES_READ. No header; reply payload: CBOR list of what `InstanceStatus` has. */
export class MeshInstances {
  readonly #o: { mesh: Mesh; clock: Clock; logger: Logger; list: () => InstanceStatus[] }

  constructor(options: { mesh: Mesh; clock: Clock; logger: Logger; list: () => InstanceStatus[] }) {
    this.#o = options
  }

  start(): void {
    const { mesh, list } = this.#o
    mesh.handle(MESSAGE.INSTANCES_READ, (_peerId, request) => {
      if (!request.notification) request.reply(undefined, encode(list().slice(0, INSTANCES_LISTED_MAX)))
    })
  }

  /** Of this node and of every peer that answers in time; `missing` are the peer ids of the others. */
  async all(): Promise<{ instances: InstanceStatus[]; missing: string[] }> {
    const { mesh, list } = this.#o
    const missing: string[] = []
    const own = list().map((instance) => ({ ...instance, node: mesh.peerId }))
    const others = await Promise.all(mesh.peers().map((peerId) => this.#of(peerId, missing)))
    return { instances: [...own, ...others.flat()], missing: missing.sort() }
  }

  async #of(peerId: string, missing: string[]): Promise<InstanceStatus[]> {
    const { mesh, clock, logger } = this.#o
    const controller = new AbortController()
    const timer = clock.after(INSTANCES_PEER_TIMEOUT_MS, () => controller.abort())
    try {
      const options = { carrier: 'bulk', signal: controller.signal } as const
      const reply = await mesh.call(peerId, MESSAGE.INSTANCES_READ, undefined, undefined, options)
      return instancesOf(peerId, decode(reply.payload, 'instances'))
    } catch (error) {
      logger.warn('no instances from a peer', { peerId, reason: messageOf(error) })
      missing.push(peerId)
      return []
    } finally {
      timer.cancel()
    }
  }
}

/** @throws PeerlessError MALFORMED */
function instancesOf(node: string, alleged: unknown): InstanceStatus[] {
  if (!Array.isArray(alleged) || alleged.length > INSTANCES_LISTED_MAX)
    throw new PeerlessError('MALFORMED', `the instances of a node are a list of at most ${INSTANCES_LISTED_MAX}`)
  return alleged.map((one: unknown) => {
    if (isInstance(one)) return { ...known(one), node }
    throw new PeerlessError('MALFORMED', 'an instance has a name, a function, a version, a state and counts')
  })
}

const STATES: readonly unknown[] = ['starting', 'idle', 'busy']
const TEXTS = ['instance', 'function', 'version', 'revisionId'] as const
const COUNTS = ['executor', 'calls', 'errors', 'lastUsedAt'] as const
const COUNTS_OPTIONAL = ['startedAt', 'cpuMs', 'memoryMb', 'startMs'] as const
const STANDINGS: readonly unknown[] = [undefined, 'probation', 'proven', 'quarantine']
const TEXT_LENGTH_MAX = 128
const STAGES_MAX = 32

/** Nothing that this version does not know gets through. */
function known(instance: InstanceStatus): InstanceStatus {
  const names: readonly string[] = [...TEXTS, ...COUNTS, ...COUNTS_OPTIONAL, 'state', 'standing', 'startStagesMs']
  return Object.fromEntries(Object.entries(instance).filter(([name]) => names.includes(name))) as unknown as InstanceStatus
}

function isInstance(alleged: unknown): alleged is InstanceStatus {
  if (typeof alleged !== 'object' || alleged === null) return false
  const one = alleged as Record<string, unknown>
  return (
    STATES.includes(one.state) &&
    STANDINGS.includes(one.standing) &&
    TEXTS.every((name) => typeof one[name] === 'string' && one[name].length <= TEXT_LENGTH_MAX) &&
    COUNTS.every((name) => isCount(one[name])) &&
    COUNTS_OPTIONAL.every((name) => one[name] === undefined || isCount(one[name])) &&
    (one.startStagesMs === undefined || isStages(one.startStagesMs))
  )
}

function isStages(alleged: unknown): boolean {
  if (typeof alleged !== 'object' || alleged === null) return false
  const stages = Object.entries(alleged)
  return stages.length <= STAGES_MAX && stages.every(([name, value]) => name.length <= TEXT_LENGTH_MAX && isCount(value))
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER
}
