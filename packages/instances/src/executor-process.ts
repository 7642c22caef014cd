import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import {
  type Egress,
  type IncomingRequest,
  isPeerlessError,
  type Logger,
  messageOf,
  type OnPart,
  type OnReply,
  PeerlessError,
  type Reply
} from '@peerless/interface'
import {
  type CatastropheHeader,
  CHUNK_PREFIX,
  CODE_CACHE_PREFIX,
  EXECUTOR_MESSAGE,
  EXECUTOR_PIPE_FD,
  type ExecutorStatus,
  executorArguments,
  GLUE_NAME,
  type InvokeHeader,
  type IsolateKind,
  LIBRARY_NAME,
  type LoadOrder,
  type LogHeader,
  type SandboxCode
} from '@peerless/sandbox'
import { Connection, socketChannel } from '@peerless/wire'
import { BundleDelivery, type Supply } from './bundle-delivery.ts'
import type { Confinement } from './confinement.ts'
import type { ControlGroup } from './control-group.ts'
import { checkedLog, checkedStatus } from './executor-answers.ts'
import { type EgressOrigin, ExecutorEgress } from './executor-egress.ts'
import { withFilter } from './jail.ts'
import { childrenOf, innermostOf } from './memory-watch.ts'

/** What a dying V8 prints, kept for the log. */
const STDERR_BYTES_MAX = 4_096
const MESSAGE_CHARS_MAX = 500
const NOTHING = new Uint8Array(0)

export interface ExecutorEvents {
  onLog(instance: number, header: LogHeader, text: Uint8Array): void
  /** For whom an instance asks the outside; undefined when it is gone. */
  egressOriginOf(instance: number): EgressOrigin | undefined
  /** V8 lost an isolate: stop using this process and end it. */
  onCatastrophe(instance: number, message: string, revisionId: string): void
  /** Once, after all outstanding requests failed. */
  onExit(reason: string): void
}

/** One executor: the process, the pipe to it, and which bundles it has. */
export class ExecutorProcess {
  readonly number: number
  readonly #child: ChildProcess
  readonly #connection: Connection
  readonly #events: ExecutorEvents
  readonly #logger: Logger
  readonly #delivery: BundleDelivery
  readonly #egress: ExecutorEgress
  readonly #group: ControlGroup | undefined
  readonly #wrapped: boolean
  readonly #code: SandboxCode
  #pid: number | undefined
  #stderr = ''
  #status: ExecutorStatus | undefined
  #exited = false
  readonly #exit: Promise<void>

  constructor(options: {
    number: number
    code: SandboxCode
    confinement: Confinement
    events: ExecutorEvents
    logger: Logger
    egress: Egress | undefined
    group: ControlGroup | undefined
    /** It makes code caches: what instances need comes only with `evaluate`. */
    compiles?: boolean
    /** What its first isolates are prepared for. */
    expected?: IsolateKind | undefined
  }) {
    const { number, code, confinement, events, logger, egress, group, compiles = false, expected } = options
    this.number = number
    this.#events = events
    this.#logger = logger.child({ executor: number })
    this.#group = group
    const { command, prefix, identity, wrapped, filter } = confinement
    this.#wrapped = wrapped
    this.#child = withFilter(filter, ['pipe', 'ignore', 'pipe', 'pipe'], (stdio) =>
      spawn(command, [...prefix, ...executorArguments(code.addonPath)], {
        ...identity,
        env: {},
        cwd: '/',
        stdio,
        // A terminal's Ctrl-C goes to the whole group; executors end with their daemon, after it has drained.
        detached: true
      })
    )
    this.#connection = new Connection(socketChannel(this.#child.stdio[EXECUTOR_PIPE_FD] as Socket), {
      onRequest: (request) => this.#onNotification(request),
      // Whatever it is that closed it (a frame that cannot be read, or its own end): nothing can be asked of the process any more.
      onClose: () => this.kill(),
      schedule: setImmediate
    })
    this.#delivery = new BundleDelivery(this.#connection)
    this.#egress = new ExecutorEgress({
      egress,
      originOf: (instance) => events.egressOriginOf(instance),
      notify: (type, header, payload) => {
        if (this.alive) this.#connection.notify(type, header, payload)
      }
    })
    this.#exit = this.#watch()
    this.#child.stdin?.on('error', (error) => this.#logger.debug('executor took no script', { reason: error.message }))
    void this.#begin(code.executorScript)
    this.#code = code
    if (expected !== undefined) this.expect(expected)
    if (!compiles) this.#sendGlue()
  }

  /** The process that runs functions: where a wrapper is around it, from when it has said HELLO. */
  get pid(): number | undefined {
    return this.#pid ?? this.#child.pid
  }

  /** The kernel ended it because its memory was used up. */
  get outOfMemory(): boolean {
    return this.#group?.outOfMemory ?? false
  }

  /** How much memory its control group may hold, if there is one; see `ControlGroup.allow`. */
  allowMemory(mb: number, usedMb?: number): void {
    this.#group?.allow(mb, usedMb)
  }

  get alive(): boolean {
    return !this.#exited && !this.#connection.closed
  }

  /** What it said of itself when it started. */
  get status(): ExecutorStatus | undefined {
    return this.#status
  }

  /** @param supply the bundle and its code cache where there is one; not needed where `hasBundle` */
  load(order: LoadOrder, supply: Supply | undefined, done: OnReply): void {
    const { bundleCid } = order
    this.#delivery.with(bundleCid, supply, () => {
      this.#connection.request(EXECUTOR_MESSAGE.LOAD, order, NOTHING, (error, reply) => {
        if (isPeerlessError(error, 'NOT_REPLICATED')) this.#delivery.failed(bundleCid)
        done(error, reply)
      })
    })
  }

  /** Isolates of that kind are prepared ahead. */
  expect(kind: IsolateKind): void {
    this.#connection.notify(EXECUTOR_MESSAGE.EXPECT, kind)
  }

  /** Makes V8's code cache of a bundle; `onPart` gets its bytes in order. */
  compile(cid: string, bundle: Uint8Array, onPart: OnPart, done: OnReply): void {
    this.#delivery.with(cid, { bundle, needs: undefined, codeCache: undefined }, () => {
      this.#connection.requestStreamed(EXECUTOR_MESSAGE.COMPILE, cid, NOTHING, onPart, done)
    })
  }

  /** Makes the code cache of a bundle after running it once, in a process that is made with `compiles` and ended afterwards; answered as `compile` is. */
  evaluate(order: LoadOrder, supply: Supply, onPart: OnPart, done: OnReply): void {
    this.#sendGlue()
    this.#delivery.with(order.bundleCid, supply, () => {
      this.#connection.requestStreamed(EXECUTOR_MESSAGE.EVALUATE, order, NOTHING, onPart, done)
    })
  }

  #sendGlue(): void {
    const { libraryScript, libraryCache, guestChunks, guestScript, guestCache } = this.#code
    this.#delivery.send(LIBRARY_NAME, Buffer.from(libraryScript))
    this.#delivery.send(CODE_CACHE_PREFIX + LIBRARY_NAME, libraryCache)
    for (const [name, script] of Object.entries(guestChunks)) this.#delivery.send(CHUNK_PREFIX + name, Buffer.from(script))
    // Last: with it the executor begins to prepare isolates.
    this.#delivery.send(CODE_CACHE_PREFIX + GLUE_NAME, guestCache)
    this.#delivery.send(GLUE_NAME, Buffer.from(guestScript))
  }

  /** Calls under way leave the executor's own thread; `done` when that has come back from what was sent before, or with an error when the process is gone. */
  stepAside(done: OnReply): void {
    this.#connection.request(EXECUTOR_MESSAGE.ASIDE, undefined, NOTHING, done)
  }

  trim(): void {
    this.#connection.notify(EXECUTOR_MESSAGE.TRIM, undefined)
  }

  hasBundle(cid: string): boolean {
    return this.#delivery.has(cid)
  }

  forgetBundle(cid: string): void {
    this.#delivery.forget(cid)
  }

  invoke(header: InvokeHeader, payload: Uint8Array, done: OnReply): void {
    this.#connection.request(EXECUTOR_MESSAGE.INVOKE, header, payload, done)
  }

  /** `invoke` whose answer may come in parts. Returns how to grant more of them. */
  invokeStreamed(header: InvokeHeader, payload: Uint8Array, onPart: OnPart, done: OnReply): { credit(bytes: number): void } {
    const id = this.#connection.requestStreamed(EXECUTOR_MESSAGE.INVOKE, header, payload, onPart, done)
    return { credit: (bytes) => this.#connection.credit(id, bytes) }
  }

  dispose(instance: number): void {
    this.#connection.notify(EXECUTOR_MESSAGE.DISPOSE, instance)
    this.#egress.closeInstance(instance)
  }

  /** @throws PeerlessError when it is gone or the signal aborts */
  async ping(signal: AbortSignal): Promise<ExecutorStatus> {
    const reply = await this.#connection.call(EXECUTOR_MESSAGE.PING, undefined, NOTHING, signal)
    return checkedStatus(reply.header)
  }

  /** Why an answer cannot be used, if so: the process breaks its own protocol, and is ended. */
  faultOf(check: (header: unknown) => unknown, reply: Reply | undefined): PeerlessError | undefined {
    try {
      check(reply?.header)
      return undefined
    } catch (error) {
      this.#logger.error('an executor broke the protocol', { reason: messageOf(error) })
      this.kill()
      return new PeerlessError('CONNECTION_LOST', 'the executor broke the protocol', { cause: error })
    }
  }

  /** At once and for certain: whatever V8 is doing. */
  kill(): void {
    // A wrapper that sets things up has a child that does not yet end with it, and waits for it for ever, with our sockets open. Stopped, it makes no other.
    const wrapper = this.#wrapped && this.#status === undefined ? this.#child.pid : undefined
    if (wrapper !== undefined && !this.#exited && this.#child.kill('SIGSTOP')) for (const child of childrenOf(wrapper)) end(child)
    this.#child.kill('SIGKILL')
  }

  /** Resolves when the process is gone. */
  async ended(): Promise<void> {
    await this.#exit
  }

  /** The executor has its code, and with it all that it does, only when it is in its group. */
  async #begin(script: string): Promise<void> {
    const { pid } = this.#child
    const fault = pid === undefined ? undefined : await this.#group?.enter(pid)
    if (fault !== undefined && this.alive) this.#logger.error('an executor runs outside its control group', { reason: fault })
    this.#child.stdin?.end(script)
  }

  #onNotification(request: IncomingRequest): void {
    switch (request.type) {
      case EXECUTOR_MESSAGE.LOG: {
        const header = checkedLog(request.header)
        this.#events.onLog(header[0], header, request.payload)
        return
      }
      case EXECUTOR_MESSAGE.HELLO:
        this.#status ??= checkedStatus(request.header)
        // No function has run in it yet: there is one process at the bottom.
        if (this.#wrapped) this.#pid ??= innermostOf(this.#child.pid)
        return
      case EXECUTOR_MESSAGE.CATASTROPHE: {
        const [instance, message, revisionId] = request.header as CatastropheHeader
        this.#events.onCatastrophe(Number(instance), `${message}`.slice(0, MESSAGE_CHARS_MAX), `${revisionId}`)
        return
      }
      default:
        if (this.#egress.take(request.type, request.header, request.payload)) return
        throw new PeerlessError('MALFORMED', `an executor sent a message of type ${request.type}`)
    }
  }

  #watch(): Promise<void> {
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_BYTES_MAX)
    })
    return new Promise((resolve) => {
      let over = false
      const gone = (reason: string) => {
        if (over) return
        over = true
        this.#exited = true
        this.#connection.close()
        this.#egress.closeAll()
        if (this.#stderr !== '') this.#logger.warn('executor said on stderr', { text: this.#stderr })
        this.#events.onExit(reason)
        // After `onExit`, which may ask the group why it ended.
        void (this.#group?.remove() ?? Promise.resolve()).then(resolve)
      }
      this.#child.once('error', (error) => gone(messageOf(error)))
      this.#child.once('exit', (code, signal) => gone(signal === null ? `exit status ${code}` : `signal ${signal}`))
    })
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
