/** Bodies of the mesh's own API under /v1, which `peerless … --json` prints unchanged. */

/** GET /v1/peers → PeerStatus[] */
export interface PeerStatus {
  peerId: string
  name: string
  self: boolean
  status: 'connected' | 'connecting' | 'unreachable' | 'draining'
  addresses: string[]
  /** null: not connected, or not measured yet */
  rttMs: number | null
  /** Its wall clock minus this node's, milliseconds, give or take half a round trip; null as above. */
  clockOffsetMs: number | null
  slots: number
  inFlight: number
  version: string
  /** Peer id of the first front of its machine; its own where it is the only one. */
  machine: string
  /** Why it refuses the node that is asked, in its own words: because that was removed, or speaks another version. Missing where it does not. */
  refusal?: string
}

/** POST /v1/invites {role, ttlSeconds, uses, account?} → InviteAnswer. role `node` joins machines; the others make an access key on redemption, of that account or of the one whose key made the invite: POST /v1/invites/redeem {token} → KeyAnswer, unsigned. */
export interface InviteAnswer {
  token: string
}

/** Uses of one invite: its node writes the record of all of them at each. */
export const INVITE_USES_MAX = 1_000

export interface InviteAsked {
  role: 'node' | 'deployer' | 'invoker'
  /** Milliseconds from now. */
  ttlMs: number
  uses: number
  /** Whose the keys will be; undefined where it makes none. */
  account: string | undefined
}

/** POST /v1/keys {role, account?} → KeyAnswer; GET /v1/keys → KeyAnswer[] without secrets; DELETE /v1/keys/ID → 204 */
export interface KeyAnswer {
  accessKeyId: string
  secretAccessKey: string | undefined
  role: string
  account: string
  /** Peer id of the node that made it for itself, and makes a new one when it is revoked. */
  node?: string | undefined
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
  /** It takes no new work, and sends on what its clients bring. */
  draining?: boolean
  instances: InstanceStatus[]
  /** Which layers of isolation are active on this machine. */
  isolation: { layer: string; active: boolean; detail: string }[]
  memory?: MemoryStatus | undefined
  /** Instances that were started since the node was, by function, for calls and ahead of them. */
  starts?: Readonly<Record<string, number>> | undefined
}

/** What the daemon and its executors hold together, and what was done about it. */
export interface MemoryStatus {
  /** Resident megabytes, as last looked at. */
  usedMb: number
  /** What they may hold: `--memory`, or what the machine or its cgroup leaves them. undefined: nothing tells. */
  boundMb: number | undefined
  pressed: boolean
  /** Idle instances that were given up for memory since the start, and those of them that were to be kept warm. */
  evicted: number
  evictedKept: number
}

/**
 * What became of a function's latency target in the last minute, or in up to ten until there were a hundred calls. `learning`: too few calls to say. `missed` has a reason: its own run time
 * (`service`: no number of instances helps), no room for more instances (`capacity`), starts (`cold`), or waiting (`wait`).
 */
export interface LatencyStatus {
  function: string
  version: string
  targetMs: number
  state: 'learning' | 'held' | 'missed'
  reason: 'service' | 'capacity' | 'cold' | 'wait' | undefined
  /** Measured over the whole mesh where the calls came in, right within 9 %; refused calls count as late, but are not in it. undefined while there were none. */
  p99Ms: number | undefined
  calls: number
  /** Share of the calls that came too late, 0 to 1. */
  lateShare: number
  /** Instances wanted warm over the whole mesh, and on this node. */
  warm: number
  warmHere: number
  /** Peer id of the node that decides. */
  owner: string
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
  /** Peer id of the node that has it; undefined: the one that was asked. */
  node?: string | undefined
  /** How far its revision is trusted there. */
  standing?: 'probation' | 'proven' | 'quarantine' | undefined
  /** How long its revision takes to start here, in milliseconds, as last seen. */
  startMs?: number | undefined
  /** Where the time of its start went, in milliseconds by stage, in order; undefined until it has started. */
  startStagesMs?: Readonly<Record<string, number>> | undefined
}

/** GET /v1/latency → LatencyStatus[]; GET /v1/functions/NAME/latency-target → {targetMs or null, versions: LatencyStatus[]}; PUT {targetMs}; DELETE → 204.
 * GET /v1/instances → InstanceStatus[] of the node that is asked; with ?mesh=1 → {instances: InstanceStatus[], missing: peer ids}. Other paths: GET /v1/ledger/balance?account= → AccountBalance[]; GET /v1/ledger/statement?account&from&to → StatementLine per line (NDJSON), and in x-peerless-itemised-from the epoch milliseconds before which there are none any more;
 * GET /v1/ledger/verify → LedgerVerification; GET /v1/logs?function=NAME&since=EPOCHMS&follow=1 → LogLine per line (NDJSON). */

/** DELETE /v1/peers/NODE?invited=1 → peer ids of all nodes that were removed, the named one first. */
export interface RemovalAnswer {
  removed: string[]
}

/** PUT /v1/node/drain, and DELETE to take it back → DrainAnswer */
export interface DrainAnswer {
  draining: boolean
  /** Requests under way at this node. */
  inFlight: number
  /** Connected nodes of other machines that take work. */
  takers: number
}

export interface NodeName {
  peerId: string
  name: string
}

export interface LeaveOrder {
  /** Name or peer id of the node that gets the right to remove whom the founder let in, where it is here; null: none. Default: the eldest that may have it and is connected. */
  successor?: string | null | undefined
}

/** GET /v1/node/leave?successor=NODE, or ?successor= for none → LeavePlan: what POST would do */
export interface LeavePlan extends NodeName {
  mesh: string
  /** Others, and how many of them are connected. */
  members: number
  connected: number
  /** Of those, whom this node let in; they stay. */
  letIn: number
  /** Whether this node is the founder, or has its right to remove from one that left. */
  head: boolean
  successor: NodeName | null
  /** Who may be the successor, the eldest members first, and whether they are connected: one that is not may be gone, and hears of it from others if it is not. */
  candidates: (NodeName & { connected: boolean })[]
  /** Asynchronous events, and dead letters, that are here and are to be handed over where no other node has them; so are results. */
  events: number
  deadLetters: number
  /** Members that are not connected and have not signed for calls of theirs that ran here: what they owe is lost when this node leaves before they are back. */
  owing: NodeName[]
}

/** POST /v1/node/leave LeaveOrder → LeaveAnswer, when it has left; the process ends then. */
export interface LeaveAnswer {
  peerId: string
  successor: NodeName | null
  /** Peer ids of those that have said that they know, and of those that were connected and have not. */
  told: string[]
  untold: string[]
  /** Members that had not signed for calls of theirs that ran here: what they owe is lost. */
  owing: NodeName[]
}

/** What the gateway needs of the mesh. Implemented by node/ over packages/mesh. */
export interface MeshStatus {
  readonly peerId: string
  readonly meshId: string
  peers(): PeerStatus[]
  node(): NodeStatus
  invite(order: InviteAsked): Promise<InviteAnswer>
  /**
   * Ends the membership of a machine for ever, with all its fronts.
   * @param node its name, or the peer id of its first front; that of another front means this front alone
   * @param withInvited also of the machines that it let in
   * @throws NOT_FOUND, CONFLICT where several have that name, FORBIDDEN naming at which node it can be done
   */
  remove(node: string, withInvited: boolean): Promise<RemovalAnswer>
  /** Spends one use of a token of role deployer or invoker. `account`: as it was ordered. @throws INVALID_INVITE */
  redeem(token: string): Promise<{ role: 'deployer' | 'invoker'; account: string | undefined }>
  /** Whether this machine takes new work, until its next start. */
  setDraining(draining: boolean): DrainAnswer
  /** What `leave` would do. @throws NOT_FOUND, CONFLICT, FORBIDDEN about the successor */
  leavePlan(order: LeaveOrder): Promise<LeavePlan>
  /** Ends the membership of this machine for ever, and then its process. @throws as `leavePlan`; CONFLICT, UNAVAILABLE when it stays, naming why */
  leave(order: LeaveOrder): Promise<LeaveAnswer>
  /** Of every node that answers within two seconds; `missing` are the peer ids of the others. */
  allInstances?(): Promise<{ instances: InstanceStatus[]; missing: string[] }>
  /** Functions with a latency target, in order of name, as far as this node has heard of them. */
  latency?(): LatencyStatus[]
  /** undefined when ready; else why not. */
  unready(): string | undefined
}
