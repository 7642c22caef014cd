import {
  type Catalog,
  type Clock,
  type IncomingRequest,
  type Invocation,
  type Ledger,
  LIMITS,
  MESSAGE,
  type Mesh,
  type Outcome,
  PeerlessError,
  type Refused,
  type Tariff,
  versionOf
} from '@peerless/interface'
import { HeldCalls } from './held-calls.ts'
import { type AllegedInvocation, invocationFromWire, ranToWire, refusedToWire } from './invoke-message.ts'
import type { LoadReporter } from './load-reporter.ts'
import type { LocalInstances } from './local-instances.ts'
import { StreamToPeer } from './peer-stream.ts'
import { receiptOf, settle } from './receipts.ts'
import { PeerStartGate } from './start-gate.ts'

/** A call of a peer, to be begun. */
interface PeerCall {
  readonly peerId: string
  readonly invocation: Invocation
  readonly request: IncomingRequest
  withdrawn: boolean
}

/** Runs what peers send. It never forwards: a call that finds no slot here, nor within a moment, is refused, and nothing was started. */
export class PeerCalls {
  readonly #o: {
    mesh: Mesh
    catalog: Catalog
    instances: LocalInstances
    ledger: Ledger
    reporter: LoadReporter
    tariff: Tariff
    clock: Clock
  }
  /** Called when a slot became free. */
  readonly #freed: () => void
  readonly #mayHold: () => boolean
  readonly #held: HeldCalls<PeerCall>

  constructor(
    options: {
      mesh: Mesh
      catalog: Catalog
      instances: LocalInstances
      ledger: Ledger
      reporter: LoadReporter
      tariff: Tariff
      clock: Clock
    },
    freed: () => void,
    mayHold: () => boolean
  ) {
    this.#o = options
    this.#freed = freed
    this.#mayHold = mayHold
    const { clock, instances } = options
    this.#held = new HeldCalls({
      clock,
      instances,
      begin: (call) => this.#begin(call),
      refuse: (call) => this.#refuse(call.request, call.invocation.version.revisionId, 'every slot is taken')
    })
  }

  start(): void {
    this.#o.mesh.handle(MESSAGE.INVOKE, (peerId, request) => this.#serve(peerId, request))
  }

  /** A slot is free, and nobody who waits here for one wants it. */
  freed(): void {
    this.#held.freed()
  }

  #serve(peerId: string, request: IncomingRequest): void {
    // Nobody would hear how it ended, and nobody would be charged.
    if (request.notification) throw new PeerlessError('MALFORMED', 'an invocation is a request, not a notification')
    const alleged = invocationFromWire(request.header)
    if (request.payload.length > LIMITS.payloadBytesMax) {
      throw new PeerlessError('TOO_LARGE', `payload of ${request.payload.length} bytes must be at most ${LIMITS.payloadBytesMax}`)
    }
    if (alleged.body !== undefined && alleged.body.bytes > request.payload.length) {
      throw new PeerlessError(
        'MALFORMED',
        `a body of ${alleged.body.bytes} bytes must be within the payload of ${request.payload.length}`
      )
    }
    const { reporter, instances, clock } = this.#o
    const stream = alleged.stream ? new StreamToPeer(request) : undefined
    const gate = new PeerStartGate(request, clock, (bytes) => stream?.credited(bytes))
    const invocation = this.#resolve(peerId, alleged, request.payload, stream, gate)
    if ('status' in invocation) {
      request.reply(refusedToWire(invocation, reporter.hint(alleged.revisionId)))
      return
    }
    if (alleged.onlyIdle && !instances.hasIdle(alleged.revisionId)) {
      // The caller has other places to ask; and where this is missed it will be missed again.
      instances.warm.missed(invocation)
      this.#refuse(request, alleged.revisionId, 'no instance is idle')
      return
    }
    const call: PeerCall = { peerId, invocation, request, withdrawn: false }
    request.onCancel(() => {
      call.withdrawn = true
      this.#held.withdraw(call)
      stream?.withdraw()
      gate.withdraw()
    })
    // Where calls of this node's own clients wait, they go first: nobody is held behind them.
    if (instances.busy >= instances.slots && this.#mayHold() && this.#held.hold(call)) return
    this.#begin(call)
  }

  #begin(call: PeerCall): void {
    const { reporter, instances } = this.#o
    reporter.inFlight++
    instances.start(call.invocation, (outcome) => {
      reporter.inFlight--
      if (!call.withdrawn) this.#answer(call.peerId, call.invocation, outcome, call.request)
      this.#freed()
    })
  }

  #refuse(request: IncomingRequest, revisionId: string, message: string): void {
    const refused: Refused = { status: 'refused', code: 'BUSY', message, retryAfterMs: 0 }
    request.reply(refusedToWire(refused, this.#o.reporter.hint(revisionId)))
  }

  /** The version as this node's own catalog has it: the caller names it, it does not describe it. */
  #resolve(
    peerId: string,
    alleged: AllegedInvocation,
    payload: Uint8Array,
    stream: StreamToPeer | undefined,
    gate: PeerStartGate
  ): Invocation | Refused {
    const { catalog, clock, reporter } = this.#o
    if (reporter.draining) return { status: 'refused', code: 'BUSY', message: 'this node is draining', retryAfterMs: 0 }
    const record = catalog.get('function', alleged.functionName)
    const version = record === undefined ? undefined : versionOf(catalog, record, alleged.version)
    if (record === undefined || version?.revisionId !== alleged.revisionId) {
      return { status: 'refused', code: 'NOT_REPLICATED', message: 'this revision is not known here (yet)', retryAfterMs: 0 }
    }
    return {
      requestId: alleged.requestId,
      attempt: alleged.attempt,
      kind: alleged.http ? 'http' : 'event',
      functionName: record.name,
      account: record.account,
      version,
      payload,
      body: alleged.body,
      deadline: clock.now() + alleged.remainingMs,
      caller: peerId,
      logTail: alleged.logTail,
      clientContext: alleged.clientContext,
      invokedArn: alleged.invokedArn,
      trace: alleged.trace,
      stream,
      gate
    }
  }

  #answer(peerId: string, invocation: Invocation, outcome: Outcome, request: IncomingRequest): void {
    const { ledger, reporter, tariff, clock } = this.#o
    const hint = reporter.hint(invocation.version.revisionId)
    if (outcome.status === 'refused') {
      request.reply(refusedToWire(outcome, hint))
    } else if (outcome.status === 'lost') {
      request.fail(new PeerlessError('CONNECTION_LOST', outcome.message))
    } else {
      const settlement = settle(outcome, clock.now())
      ledger.record(receiptOf(invocation, outcome, settlement, peerId, tariff))
      request.reply(ranToWire(outcome, settlement, hint), outcome.payload)
    }
  }
}
