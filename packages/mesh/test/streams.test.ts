import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingRequest, isPeerlessError, type OnReply, type PeerlessError } from '@peerless/interface'
import { realClock } from '@peerless/testing'
import test, { type ExecutionContext } from 'ava'
import { connected, gone, type Node, openNode, startNode, temporaryFolder } from './_nodes.ts'

const NOTHING = new Uint8Array(0)

/** Two nodes; `serve` is registered at the first, requests go from the second. */
async function pair(
  t: ExecutionContext,
  serve: (request: IncomingRequest) => void
): Promise<{ server: Node; client: Node; to: string }> {
  const server = await openNode(t, 'server')
  server.mesh.handle(1, (_peerId, request) => serve(request))
  await server.mesh.start()
  const client = await startNode(t, 'client', { join: await server.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 }) })
  await connected(client.mesh, server.mesh.peerId)
  return { server, client, to: server.mesh.peerId }
}

/** A node in another process, joined and connected with `node`. */
async function childOf(t: ExecutionContext, node: Node): Promise<{ child: ChildProcess; peerId: string }> {
  const token = await node.mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const script = new URL('_child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, await temporaryFolder(t), token], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  const [peerId] = (await once(child, 'message')) as [string]
  await connected(node.mesh, peerId)
  return { child, peerId }
}

function failureOf(node: Node, peerId: string, type: number): Promise<PeerlessError | undefined> {
  return new Promise((resolve) => node.mesh.request(peerId, type, undefined, NOTHING, resolve))
}

test('payloads of every size pass both ways on both carriers', async (t) => {
  const { client, to } = await pair(t, (request) => request.reply(undefined, request.payload))
  for (const carrier of ['calls', 'bulk'] as const) {
    for (const size of [0, 1, 16_384, 65_536, 262_144, 6_291_556]) {
      const payload = Buffer.alloc(size, size % 251)
      const reply = await client.mesh.call(to, 1, undefined, payload, { carrier })
      t.true(payload.equals(reply.payload), `${carrier} ${size}`)
    }
  }
})

test('a hundred large requests at once are all answered, while small ones on the other carrier do not wait for them', async (t) => {
  const { client, to } = await pair(t, (request) => request.reply(undefined, request.payload))
  const payload = Buffer.alloc(300_000, 7)
  let left = 100
  const large = Array.from({ length: left }, () =>
    client.mesh.call(to, 1, undefined, payload, { carrier: 'bulk' }).then((reply) => {
      left--
      return reply.payload.length
    })
  )
  await client.mesh.call(to, 1, undefined, NOTHING)
  t.true(left > 0, 'the small request came back before the last large one')
  t.deepEqual(new Set(await Promise.all(large)), new Set([payload.length]))
})

test('a request withdrawn tells the server, and a call aborted rejects at once', async (t) => {
  let cancelled = () => {}
  const told = new Promise<void>((resolve) => {
    cancelled = resolve
  })
  const seen: IncomingRequest[] = []
  const { client, to } = await pair(t, (request) => {
    seen.push(request)
    request.onCancel(cancelled)
  })
  const controller = new AbortController()
  const call = client.mesh.call(to, 1, undefined, Buffer.alloc(10_000), { signal: controller.signal })
  setImmediate(() => controller.abort())
  t.like(await t.throwsAsync(call), { code: 'DEADLINE_EXCEEDED' })
  await told
  t.is(seen.length, 1)
})

test('a type without a handler, and a handler that throws, answer with an error', async (t) => {
  const { client, to } = await pair(t, () => {
    throw new Error('detail that stays')
  })
  t.like(await t.throwsAsync(client.mesh.call(to, 99, undefined)), { code: 'MALFORMED' })
  t.like(await t.throwsAsync(client.mesh.call(to, 1, undefined)), { code: 'INTERNAL', message: 'internal error' })
  t.throws(() => client.mesh.handle(50, () => undefined), { message: /one handler already/ })
  t.throws(() => client.mesh.handle(0x7f, () => undefined), { message: /1 to 126/ })
})

test('a request to nobody is refused later, never from within the call', async (t) => {
  const node = await startNode(t, 'alone')
  let inside = true
  const done = new Promise<PeerlessError | undefined>((resolve) => {
    node.mesh.request('nobody', 1, undefined, NOTHING, (error) => {
      t.false(inside)
      resolve(error)
    })
  })
  inside = false
  t.true(isPeerlessError(await done, 'UNAVAILABLE'))
})

test('a peer that is killed fails what is outstanding with CONNECTION_LOST at once, and is gone', async (t) => {
  const node = await startNode(t, 'node')
  const { peerId } = await childOf(t, node)
  const left = gone(node.mesh, peerId)
  const held = failureOf(node, peerId, 2)
  const killer = failureOf(node, peerId, 3)
  t.true(isPeerlessError(await held, 'CONNECTION_LOST'))
  t.true(isPeerlessError(await killer, 'CONNECTION_LOST'))
  await left
  t.deepEqual(node.mesh.peers(), [])
})

test('a peer that falls silent is given up after missed pings; its queue is bounded until then; it comes back when it wakes', async (t) => {
  // Pings ten times as often; everything else at its own pace.
  const clock = { ...realClock, every: (ms: number, run: () => void) => realClock.every(ms / 10, run) }
  const node = await startNode(t, 'node', { clock })
  const { child, peerId } = await childOf(t, node)
  t.teardown(() => child.kill('SIGCONT'))
  const left = gone(node.mesh, peerId)
  child.kill('SIGSTOP')
  // What it had sent before may come yet, and then its silence begins anew.
  let heardMs = 0
  for (let ms: number | undefined = 0; ms !== undefined && heardMs <= 300; ms = node.mesh.silentMs(peerId)) {
    heardMs = Math.max(heardMs, ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.true(heardMs > 300, `silent for ${heardMs} ms`)
  const outcomes: Promise<PeerlessError | undefined>[] = []
  const payload = Buffer.alloc(1_000_000)
  for (let index = 0; index < 100; index++) {
    outcomes.push(new Promise((resolve) => node.mesh.request(peerId, 2, undefined, payload, resolve)))
  }
  const codes = (await Promise.all(outcomes)).map((error) => error?.code)
  await left
  t.true(codes.filter((code) => code === 'BUSY').length >= 50, `${codes}`)
  t.true(codes.includes('CONNECTION_LOST'))
  const back = connected(node.mesh, peerId)
  child.kill('SIGCONT')
  await back
  const reply = await node.mesh.call(peerId, 1, undefined, Buffer.from('again'))
  t.is(Buffer.from(reply.payload).toString(), 'again')
})

test('a server that does not answer stops reading when the payloads it holds exceed their bound', async (t) => {
  const held: IncomingRequest[] = []
  let answering = false
  const { client, to } = await pair(t, (request) => {
    if (answering) request.reply(undefined)
    else held.push(request)
  })
  const payload = Buffer.alloc(2_000_000)
  // Sends until it is refused although everything that can move has moved: the server's bound and then the client's are reached.
  const calls: Promise<unknown>[] = []
  for (let refused = 0, before = -1; refused < 200; before = held.length) {
    let busy = false
    const call = client.mesh.call(to, 1, undefined, payload).catch((error: PeerlessError) => {
      t.is(error.code, 'BUSY')
      busy = true
    })
    calls.push(call)
    await new Promise((resolve) => setImmediate(resolve))
    refused = busy && held.length === before ? refused + 1 : 0
  }
  const heldBytes = held.length * payload.length
  t.true(heldBytes > 60_000_000 && heldBytes < 67_108_864 + 8_388_608 + payload.length, `${heldBytes}`)
  answering = true
  for (const request of held.splice(0)) request.reply(undefined)
  await Promise.all(calls)
})

test('a server that does not answer stops reading for large headers just so', async (t) => {
  const held: IncomingRequest[] = []
  const { client, to } = await pair(t, (request) => held.push(request))
  const header = 'x'.repeat(250_000)
  const calls: Promise<unknown>[] = []
  for (let quiet = 0, before = -1; quiet < 200 && held.length < 400; before = held.length) {
    if (calls.length < 400) calls.push(client.mesh.call(to, 1, header).catch(({ code }: PeerlessError) => code))
    await new Promise((resolve) => setImmediate(resolve))
    quiet = calls.length === 400 && held.length === before ? quiet + 1 : 0
  }
  const heldBytes = held.length * header.length
  t.true(heldBytes > 60_000_000 && heldBytes < 67_108_864 + 8_388_608 + header.length, `${heldBytes}`)
})

test('a peer that asks for much and has not taken it is refused more, before any work is done for it', async (t) => {
  let served = 0
  let servedAtOnce = 0
  const answer = new Uint8Array(1_000_000)
  const { client, to } = await pair(t, (request) => {
    if (served++ === 0) setImmediate(() => (servedAtOnce = served))
    request.reply(undefined, answer)
  })
  const calls = Array.from({ length: 500 }, () => client.mesh.call(to, 1, undefined))
  const codes = (await Promise.allSettled(calls)).map((one) =>
    one.status === 'fulfilled' ? 'ok' : (one.reason as PeerlessError).code
  )
  t.deepEqual([...new Set(codes)].sort(), ['BUSY', 'ok'])
  t.true(servedAtOnce <= 35, `${servedAtOnce} answers of a megabyte were made at once`)
  t.is((await client.mesh.call(to, 1, undefined)).payload.length, answer.length)
})

test('large calls that a peer takes long over hold up no other, and more of them are refused before anything is sent', async (t) => {
  const held: IncomingRequest[] = []
  const { client, to } = await pair(t, (request) => {
    if (request.payload.length > 0) held.push(request)
    else request.reply(undefined)
  })
  const codes: (string | undefined)[] = []
  const call = (payload: Uint8Array) =>
    new Promise<void>((resolve) => {
      const done: OnReply = (error) => {
        codes.push(error?.code)
        resolve()
      }
      client.mesh.requestStreamed(to, 1, undefined, payload, () => undefined, done)
    })
  const large: Promise<void>[] = []
  // One after the other: what waits to be sent has a bound of its own.
  for (let sent = 0; codes.length === 0 && sent < 10; sent++) {
    large.push(call(Buffer.alloc(6_000_000)))
    while (held.length + codes.length === sent) await new Promise((resolve) => setImmediate(resolve))
  }
  t.is(held.length, 8)
  t.deepEqual(codes, ['BUSY'])
  await call(NOTHING)
  t.is(codes.at(-1), undefined)
  for (const request of held.splice(0)) request.reply(undefined)
  await Promise.all(large)
  const again = call(Buffer.alloc(6_000_000))
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
  for (const request of held) request.reply(undefined)
  await again
  t.is(codes.filter((code) => code === undefined).length, 10)
})

test('traffic goes on for many rounds with large and small mixed', async (t) => {
  const { client, to } = await pair(t, (request) => request.reply(request.header, request.payload.subarray(0, 10)))
  for (let round = 0; round < 5; round++) {
    const calls = Array.from({ length: 200 }, (_, index) =>
      client.mesh.call(to, 1, index, Buffer.alloc((index * 7_919) % 90_000))
    )
    const replies = await Promise.all(calls)
    t.deepEqual(
      replies.map(({ header }) => header),
      replies.map((_, index) => index)
    )
  }
})
