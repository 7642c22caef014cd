import { readFileSync, writeSync } from 'node:fs'
import { getHeapStatistics } from 'node:v8'
import { type IncomingRequest, LIMITS, PeerlessError } from '@peerless/interface'
import { Connection, descriptorChannel, Linger } from '@peerless/wire'
import { BundleShelf, type ShelvedBundle } from './bundle-shelf.ts'
import { cachedScript, makeCodeCache } from './code-cache.ts'
import { EgressLink } from './egress-link.ts'
import { makeEvaluatedCache } from './evaluated-cache.ts'
import { EXECUTOR_PIPE_FD } from './executor-arguments.ts'
import {
  BUNDLE_PIECE_BYTES,
  type BundleHeader,
  CHUNK_PREFIX,
  EXECUTOR_MESSAGE,
  type ExecutorStatus,
  FLAG_CACHE_REFUSED,
  FLAG_GONE,
  FLAG_MANNER_SHIFT,
  GLUE_NAME,
  type InvokeHeader,
  LIBRARY_NAME,
  type LoadOrder,
  MANNERS
} from './executor-protocol.ts'
import type { HostServices } from './host-services.ts'
import { HostedInstance } from './hosted-instance.ts'
import { loadAddon } from './isolate-addon.ts'
import type { IsolateKind } from './isolate-kind.ts'
import { Manners } from './manners.ts'
import { STATUS_OK } from './outcome-numbers.ts'
import { SpareIsolates } from './spare-isolates.ts'
import { Watchdog } from './watchdog.ts'

/**
 * The entry of an executor process. It trusts its daemon, which made it, and nothing that comes out of an isolate. It holds no key, has
 * no environment and no network; when the pipe to the daemon ends, so does it.
 */
const addonPath = process.argv[2] ?? ''
const instances = new Map<number, HostedInstance>()
/** sysexits.h: EX_SOFTWARE */
const EXIT_INTERNAL = 70
const permissionScopes = ['fs.read', 'fs.write', 'child', 'worker', 'net', 'inspector', 'wasi']

// `bwrap` sets it, and nothing here needs it: an executor has no environment.
delete process.env.PWD
const inherited = Object.keys(process.env)
// Functions have their dates in UTC, as on Lambda, where the machine has a zone of its own and no jail keeps it from this process.
process.env.TZ = 'UTC'

const collect = (globalThis as { __peerlessCollect?: () => void }).__peerlessCollect

const connection = new Connection(descriptorChannel(EXECUTOR_PIPE_FD), {
  onRequest: (request) => handle(request),
  onClose: (error) => {
    if (error === undefined) end()
    die(error)
  },
  schedule: setImmediate
})

const addon = loadAddon(addonPath)

/** Comes in pieces before the first bundle, after its later parts. */
const glue = { ...cachedScript('', true), script: '' }
const library = { ...cachedScript('', true), script: '' }
const chunks = new Map<string, string>()
const shelf = new BundleShelf(
  (bytes) => new addon.ExternalCopy(ownBuffer(bytes), { transferOut: true }),
  new Map([
    [GLUE_NAME, glue],
    [LIBRARY_NAME, library]
  ])
)
const spares = new SpareIsolates({ addon, script: glue, chunks, library }, LIMITS.memoryMbDefault)

const services: HostServices = {
  addon,
  watchdog: new Watchdog(addon, die),
  spares,
  library,
  chunks,
  egress: new EgressLink(connection),
  manners: new Manners(),
  log: (instance, requestId, level, dropped, text) => {
    connection.notify(EXECUTOR_MESSAGE.LOG, [instance, requestId, level, Date.now(), dropped], text)
  },
  catastrophe: (instance, message, revisionId) => {
    connection.notify(EXECUTOR_MESSAGE.CATASTROPHE, [instance, String(message).slice(0, 500), revisionId])
    connection.flush()
  }
}

/**
 * Between two calls of a client that waits for each: from 100 µs where the client is on this machine to 600 µs where a peer forwards them on a slow one. As long as
 * the longest gap: an executor that falls asleep before the next call makes the gap longer, and so finds itself asleep at each.
 */
const linger = new Linger({ now: () => performance.now(), schedule: setImmediate, lingerMs: 0.6, gapMsMin: 0.03, gapMsMax: 0.6 })

function handle(request: IncomingRequest): void {
  switch (request.type) {
    case EXECUTOR_MESSAGE.INVOKE: {
      linger.touch()
      const header = request.header as InvokeHeader
      const instance = instances.get(header[0])
      if (instance === undefined) throw new PeerlessError('UNAVAILABLE', `there is no instance ${header[0]}`)
      flushAtTimes()
      instance.invoke(request, header)
      if (instance.gone) instances.delete(instance.id)
      return
    }
    case EXECUTOR_MESSAGE.BUNDLE: {
      const [cid, totalBytes, offset, facts] = request.header as BundleHeader
      // The glue and its later parts come the same way as bundles do, under names that are no CIDs; the glue last.
      if (cid === GLUE_NAME) {
        glue.script += Buffer.from(request.payload).toString('latin1')
        if (glue.script.length === totalBytes) prepareFirst()
      } else if (cid === LIBRARY_NAME) library.script += Buffer.from(request.payload).toString('latin1')
      else if (cid.startsWith(CHUNK_PREFIX)) {
        const name = cid.slice(CHUNK_PREFIX.length)
        chunks.set(name, (chunks.get(name) ?? '') + Buffer.from(request.payload).toString('latin1'))
      } else shelf.add(cid, totalBytes, offset, request.payload, facts)
      return
    }
    case EXECUTOR_MESSAGE.EXPECT:
      expected = request.header as IsolateKind
      if (glueIsWhole) spares.expect(expected)
      return
    case EXECUTOR_MESSAGE.FORGET:
      shelf.forget(String(request.header))
      return
    case EXECUTOR_MESSAGE.LOAD:
      void load(request, request.header as LoadOrder)
      return
    case EXECUTOR_MESSAGE.COMPILE:
      void answerCache(request, String(request.header), (bundle) => makeCodeCache(addon, bundle))
      return
    case EXECUTOR_MESSAGE.EVALUATE: {
      const order = request.header as LoadOrder
      void answerCache(request, order.bundleCid, (bundle) => makeEvaluatedCache(services, bundle, order))
      return
    }
    case EXECUTOR_MESSAGE.DISPOSE: {
      const id = Number(request.header)
      instances.get(id)?.dispose()
      instances.delete(id)
      return
    }
    case EXECUTOR_MESSAGE.ASIDE:
      for (const instance of instances.values()) instance.stepAside()
      request.reply(undefined)
      return
    case EXECUTOR_MESSAGE.TRIM:
      for (const instance of instances.values()) instance.collect()
      collect?.()
      return
    case EXECUTOR_MESSAGE.PING:
      request.reply(status())
      return
    default:
      if (services.egress.take(request.type, request.header, request.payload)) return
      throw new PeerlessError('MALFORMED', `an executor knows no request type ${request.type}`)
  }
}

/** Calls of one tick share a write, but no answer waits for more than so much work of others behind it. */
const UNSENT_MS_MAX = 2
let flushedAt = 0

function flushAtTimes(): void {
  const now = performance.now()
  if (now - flushedAt < UNSENT_MS_MAX) return
  flushedAt = now
  connection.flush()
}

async function load(request: IncomingRequest, order: LoadOrder): Promise<void> {
  const startedAt = performance.now()
  const bundle = shelf.get(order.bundleCid)
  if (bundle === undefined) {
    request.fail(new PeerlessError('NOT_REPLICATED', `bundle ${order.bundleCid} did not arrive whole`))
    return
  }
  try {
    const instance = new HostedInstance(order, bundle, services)
    instances.set(order.instance, instance)
    const [result, errorJson] = await instance.load().finally(() => spares.started())
    if (result !== STATUS_OK) instances.delete(order.instance)
    const manner = MANNERS.indexOf(services.manners.of(order.revisionId)) << FLAG_MANNER_SHIFT
    const refused = bundle.refused ? FLAG_CACHE_REFUSED : 0
    const flags = result === STATUS_OK ? manner | refused : manner | refused | FLAG_GONE
    const tookUs = Math.round((performance.now() - startedAt) * 1_000)
    request.reply([result, tookUs, flags, instance.stages.us], Buffer.from(errorJson))
  } catch (error) {
    instances.delete(order.instance)
    request.fail(new PeerlessError('INTERNAL', 'an instance could not be made', { cause: error }))
    process.stderr.write(`load: ${error instanceof Error ? error.stack : String(error)}\n`)
  }
}

/** What the daemon expected before the glue was here. */
let expected: IsolateKind | undefined
let glueIsWhole = false

function prepareFirst(): void {
  glueIsWhole = true
  if (expected === undefined) spares.refill()
  else spares.expect(expected)
}

type MakeCache = (bundle: ShelvedBundle) => Promise<Uint8Array>

async function answerCache(request: IncomingRequest, cid: string, make: MakeCache): Promise<void> {
  const bundle = shelf.get(cid)
  if (bundle === undefined) {
    request.fail(new PeerlessError('NOT_REPLICATED', `bundle ${cid} did not arrive whole`))
    return
  }
  try {
    const bytes = await make(bundle)
    for (let offset = 0; offset < bytes.length; offset += BUNDLE_PIECE_BYTES) {
      request.part(undefined, bytes.subarray(offset, offset + BUNDLE_PIECE_BYTES))
    }
    request.reply([bytes.length])
  } catch (error) {
    request.fail(new PeerlessError('INTERNAL', 'a bundle could not be compiled', { cause: error }))
  }
}

/** Bytes in a buffer of their own, which can be given away. */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  // Not `slice`: a Buffer's is a view.
  return bytes.byteLength === bytes.buffer.byteLength ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer
}

function status(): ExecutorStatus {
  const permissions: Record<string, boolean> = {}
  for (const scope of permissionScopes) permissions[scope] = process.permission?.has(scope) ?? true
  return {
    pid: process.pid,
    nodeVersion: process.versions.node,
    v8Version: process.versions.v8,
    confined: isRefused('/etc/passwd'),
    permissions,
    environment: inherited,
    instances: instances.size,
    // Not `process.memoryUsage`: it reads /proc, which need not be there.
    heapUsedMb: Math.ceil(getHeapStatistics().used_heap_size / 1_048_576)
  }
}

/** The proof is in the trying: the model could be off, or look on without refusing. */
function isRefused(path: string): boolean {
  try {
    readFileSync(path)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED'
  }
}

/** The daemon keeps the end of stderr for its log. Written at once, because the process does not live to write it later. */
function die(error: unknown): never {
  try {
    writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`)
  } catch {
    // The daemon is gone, and its end of this pipe with it. What is thrown from here would leave the process alive for ever.
  }
  end()
}

/** `process.exit` would wait for the threads of isolates, and the watchdog's never comes back by itself: the process would stay for ever. */
function end(): never {
  process.kill(process.pid, 'SIGKILL')
  // Not reached: the signal is delivered before the call returns.
  process.exit(EXIT_INTERNAL)
}

process.on('uncaughtException', die)

connection.notify(EXECUTOR_MESSAGE.HELLO, status())
