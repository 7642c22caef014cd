import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock, FunctionVersion, Invocation, InvocationKind, LogLine, Outcome, Ran, Random } from '@peerless/interface'
import { MemoryLogger, realClock, VirtualClock } from '@peerless/testing'
import { encode } from '@peerless/wire'
import test, { type ExecutionContext } from 'ava'
import { createInstances, type Instances, type InstancesOptions } from '../src/index.ts'

const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID()
}

export interface Bench {
  instances: Instances
  logger: MemoryLogger
  lines: LogLine[]
  /** How often a bundle was asked for. */
  loads: () => number
  define(
    source: string,
    settings?: Partial<FunctionVersion> & {
      name?: string
      account?: string
      handlerExport?: string
      sourceMap?: string
      /** One of its own where it is not said. */
      cid?: string
      builtins?: string[]
    }
  ): Defined
}

export interface Defined {
  version: FunctionVersion
  call(event?: unknown, settings?: Partial<Invocation>): Promise<Outcome>
  /** The outcome of a call that must have run, with its payload as JSON. */
  result(event?: unknown, settings?: Partial<Invocation>): Promise<{ ran: Ran; json: unknown }>
}

/** The end of a process takes real time, what is done about it afterwards the clock's. */
async function stopped(instances: Instances, clock: Clock | undefined): Promise<void> {
  const stopping = instances.stop()
  if (!(clock instanceof VirtualClock)) return await stopping
  let done = false
  void stopping.finally(() => {
    done = true
  })
  while (!done) {
    await clock.advance(10)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await stopping
  // The control group of an executor that ended before may wait for the clock still, and would keep this process for ever.
  setInterval(() => void clock.advance(10), 5).unref()
}

type Options = Partial<InstancesOptions> & { /** Waited for before a bundle is given. */ hold?: () => Promise<unknown> }

/** Real executors; everything ends with the test. Sources are CommonJS as the bundler leaves it: `exports.handler = …`. */
export async function start(t: ExecutionContext, options: Options = {}): Promise<Bench> {
  const bench = await begin(options)
  t.teardown(() => stopped(bench.instances, options.clock))
  return bench
}

/** Idle instances of all tests of a file beside those that one of them needs. */
const SHARED_SLOTS = 64
let shared: Promise<Bench> | undefined

/**
 * The same bench for all tests of a file, for those that look at what a function sees and answers, not at processes: each function has instances of its own, and to
 * start processes for each test takes a second of processor.
 */
export function share(): Promise<Bench> {
  shared ??= begin({ slots: SHARED_SLOTS })
  return shared
}

test.after.always('what tests shared has ended', async () => {
  await (await shared)?.instances.stop()
})

async function begin({ hold, ...options }: Options): Promise<Bench> {
  const bundles = new Map<string, Uint8Array>()
  const logger = new MemoryLogger()
  const lines: LogLine[] = []
  let loads = 0
  const instances = await createInstances({
    nodeId: 'node-1',
    slots: 8,
    clock: realClock,
    random: systemRandom,
    logger,
    loadBundle: async (version) => {
      loads++
      await hold?.()
      const bytes = bundles.get(version.code.bundleCid)
      if (bytes === undefined) throw new Error('no such bundle')
      return bytes
    },
    onLog: (_account, line) => lines.push(line),
    nodePath: process.execPath,
    region: 'eu-test-1',
    accountId: '000000000000',
    ...options
  })
  const define: Bench['define'] = (source, settings = {}) => {
    const {
      name = 'fn',
      account = 'acme',
      handlerExport = 'handler',
      sourceMap,
      builtins = [],
      cid = `cid-${randomUUID()}`,
      ...rest
    } = settings
    const script = `(() => { const exports = {}; const module = { exports }; const require = __peerlessRequire;\n${source}\nreturn module.exports })()`
    bundles.set(cid, encode({ format: 1, script, sourceMap: sourceMap ?? null, builtins, handlerExport }))
    const version: FunctionVersion = {
      version: '$LATEST',
      revisionId: randomUUID(),
      handler: 'index.handler',
      runtime: 'nodejs22.x',
      role: '',
      description: '',
      memoryMb: 128,
      // What a loaded machine takes is no fault of a function: tests of time-outs say their own.
      timeoutSeconds: 20,
      environment: {},
      code: { zipCid: '', zipBytes: 0, zipSha256: '', bundleCid: cid, bundleBytes: script.length },
      modifiedAt: 0,
      ...rest
    }
    const call: Defined['call'] = (event, more = {}) =>
      instances.invoke({
        requestId: randomUUID(),
        attempt: 1,
        kind: 'event' as InvocationKind,
        functionName: name,
        account,
        version,
        payload: event === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(event)),
        deadline: Date.now() + 60_000,
        caller: 'node-0',
        logTail: false,
        clientContext: undefined,
        invokedArn: `arn:aws:lambda:eu-test-1:000000000000:function:${name}`,
        ...more
      })
    return {
      version,
      call,
      async result(event, more) {
        const outcome = await call(event, more)
        if (outcome.status === 'refused' || outcome.status === 'lost') throw new Error(`${outcome.status}: ${outcome.message}`)
        return { ran: outcome, json: JSON.parse(Buffer.from(outcome.payload).toString()) as unknown }
      }
    }
  }
  return { instances, logger, lines, loads: () => loads, define }
}
