import { type IncomingRequest, LIMITS, MESSAGE, type StreamSink, type StreamSource } from '@peerless/interface'
import test from 'ava'
import { cluster, type Node, settle } from './_cluster.ts'

const CHUNK = new Uint8Array(LIMITS.streamChunkBytesMax)

function collector() {
  const seen: unknown[] = []
  let source: StreamSource | undefined
  const sink: StreamSink = {
    open: (head, from) => {
      seen.push(head)
      source = from
    },
    chunk: (bytes) => seen.push(bytes.length)
  }
  return { sink, seen, source: () => source as StreamSource }
}

test('what an instance of a peer streams goes into the sink here; credit and the end of interest go back', async (t) => {
  const { nodes, order, stop } = await cluster([0, 1])
  t.teardown(stop)
  const [gateway, worker] = nodes as [Node, Node]
  const { sink, seen, source } = collector()
  const answer = gateway.service.invoke(order({ stream: sink }))
  await settle()
  const there = worker.instances.running[0]?.invocation.stream as StreamSink
  const heard: unknown[] = []
  there.open(
    { http: { statusCode: 201, headers: ['x-a', 'b'] }, node: 'n1', cold: true },
    { credit: (bytes) => heard.push(bytes), cancel: () => heard.push('cancel') }
  )
  there.chunk(CHUNK)
  await settle()
  t.deepEqual(seen, [{ http: { statusCode: 201, headers: ['x-a', 'b'] }, node: 'n1', cold: true }, CHUNK.length])
  source().credit(CHUNK.length)
  await settle()
  source().cancel()
  await settle()
  t.deepEqual(heard, [CHUNK.length, 'cancel'])
  worker.instances.finish({ payload: new Uint8Array(0) })
  const { outcome } = await answer
  t.is(outcome.streamedBytes, CHUNK.length)
  t.deepEqual(gateway.receipts, worker.receipts)
})

test('a caller that goes away closes the stream of the peer that runs its call', async (t) => {
  const { nodes, order, stop, network } = await cluster([0, 1])
  t.teardown(stop)
  const [gateway, worker] = nodes as [Node, Node]
  const answer = gateway.service.invoke(order({ stream: collector().sink }))
  await settle()
  const heard: unknown[] = []
  worker.instances.running[0]?.invocation.stream?.open(
    { http: { statusCode: 200, headers: [] }, node: 'n1', cold: false },
    { credit: () => undefined, cancel: () => heard.push('cancel') }
  )
  await settle()
  network.leave('n0')
  await t.throwsAsync(answer, { message: /it was started/ })
  await settle()
  t.deepEqual(heard, ['cancel'])
})

/** What a peer of bad will may do instead of an answer. */
const HOSTILE: readonly [title: string, behave: (request: IncomingRequest) => void][] = [
  ['chunks before a head', (request) => request.part(undefined, CHUNK)],
  ['a head that is none', (request) => request.part([200, ['a\r\nb', 'c']])],
  ['a status that is none', (request) => request.part([9_000, []])],
  [
    'an empty chunk',
    (request) => {
      request.part([200, []])
      request.part(undefined)
    }
  ],
  [
    'a chunk too large',
    (request) => {
      request.part([200, []])
      request.part(undefined, new Uint8Array(LIMITS.streamChunkBytesMax + 1))
    }
  ],
  [
    'more than was granted',
    (request) => {
      request.part([200, []])
      for (let index = 0; index < 5; index++) request.part(undefined, CHUNK)
    }
  ],
  [
    'an answer, and then the word that nothing was started',
    (request) => {
      request.part([200, []])
      request.reply(['refused', 'BUSY', 'no', 0, null])
    }
  ],
  [
    'an answer that is none after its stream',
    (request) => {
      request.part([200, []])
      request.reply('nonsense')
    }
  ]
]

for (const [title, behave] of HOSTILE) {
  test(`a peer that sends ${title} costs its caller one call, told as one that was started`, async (t) => {
    const { nodes, order, stop } = await cluster([0, 1])
    t.teardown(stop)
    const [gateway, worker] = nodes as [Node, Node]
    let asked = 0
    worker.mesh.handle(MESSAGE.INVOKE, (_, request) => {
      asked++
      behave(request)
    })
    const { sink, seen } = collector()
    const error = await t.throwsAsync(gateway.service.invoke(order({ stream: sink })))
    t.like(error, { code: 'CONNECTION_LOST' })
    t.is(asked, 1, 'it is not tried again')
    t.true(seen.filter((one) => typeof one === 'object').length <= 1, 'the sink was opened once at most')
    t.is(gateway.service.inFlight, 0)
  })
}
