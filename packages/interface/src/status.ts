/** Bodies of the mesh's own API under /v1, which `peerless … --json` prints unchanged. */

/** GET /v1/peers → PeerStatus[] */
export interface PeerStatus {
  peerId: string
  name: string
  self: boolean
  status: 'connected' | 'connecting' | 'unreachable' | 'draining'
  addresses: string[]
  rttMs: number | undefined
  slots: number
  inFlight: number
  version: string
}

/** POST /v1/invites {role, ttlSeconds, uses} → InviteAnswer. role `node` joins machines; the others make an access key on redemption. */
export interface InviteAnswer {
  token: string
}

/** POST /v1/keys {role, account?} → KeyAnswer; GET /v1/keys → KeyAnswer[] without secrets; DELETE /v1/keys/ID → 204 */
export interface KeyAnswer {
  accessKeyId: string
  secretAccessKey: string | undefined
  role: string
  account: string
}

/** GET /v1/node → NodeStatus */
export interface NodeStatus {
  peerId: string
  name: string
  mesh: string
  account: string
  version: string
  node: string
  v8: string
  isolatedVm: string
  addresses: string[]
  slots: number
  busy: number
  instances: InstanceStatus[]
  /** Which layers of isolation are active on this machine. */
  isolation: { layer: string; active: boolean; detail: string }[]
}

export interface InstanceStatus {
  instance: string
  function: string
  version: string
  revisionId: string
  state: 'starting' | 'idle' | 'busy'
  executor: number
  calls: number
  errors: number
  /** Epoch milliseconds. */
  lastUsedAt: number
  /** Epoch milliseconds when it was ordered. */
  startedAt?: number
  /** CPU time of its calls, in milliseconds. */
  cpuMs?: number
  /** Its heap as last sampled; undefined until it was. */
  memoryMb?: number | undefined
}

/** Other paths: GET /v1/ledger/balance?account= → AccountBalance[]; GET /v1/ledger/statement?account&from&to → StatementLine per line (NDJSON);
 * GET /v1/ledger/verify → LedgerVerification; GET /v1/logs?function=NAME&since=EPOCHMS&follow=1 → LogLine per line (NDJSON). */

/** What the gateway needs of the mesh. Implemented by node/ over packages/mesh. */
export interface MeshStatus {
  readonly peerId: string
  readonly meshId: string
  peers(): PeerStatus[]
  node(): NodeStatus
  invite(order: { role: 'node' | 'deployer' | 'invoker'; ttlMs: number; uses: number }): Promise<InviteAnswer>
  /** undefined when ready; else why not. */
  unready(): string | undefined
}
