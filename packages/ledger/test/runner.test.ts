import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MESSAGE, TARIFF_DEFAULT } from '@peerless/interface'
import { MemoryLogger, MemoryNetwork, SeededRandom, settle, VirtualClock } from '@peerless/testing'
import { signerOf } from '@peerless/wire'
import test from 'ava'
import type { CoreEvent } from '../src/commands.ts'
import { LedgerCore } from '../src/core.ts'
import { Exchange } from '../src/exchange.ts'
import { headsPayload } from '../src/messages.ts'
import { RowBuffer } from '../src/receipt-row.ts'
import { CoreRunner, InlineHost } from '../src/runner.ts'
import { LedgerStore } from '../src/store.ts'
import { forge, payloadOf } from './_forge.ts'
import { FUZZ_SEED, receiptOf } from './_nodes.ts'

/** https://www.sqlite.org/rescode.html#full */
const SQLITE_FULL = 13

class FailingStore extends LedgerStore {
  full = false
  /** No page can be written in the middle of a transaction. */
  noInsert = false
  commits = 0

  override insert(...values: Parameters<LedgerStore['insert']>): void {
    if (this.noInsert) throw new Error('disk I/O error')
    super.insert(...values)
  }

  override commit(): void {
    if (this.full) throw Object.assign(new Error('database or disk is full'), { errcode: SQLITE_FULL })
    this.commits++
    super.commit()
  }
}

function setUp(t: { teardown(run: () => void): void }) {
  const directory = mkdtempSync(join(tmpdir(), 'ledger-'))
  const random = new SeededRandom(FUZZ_SEED)
  const signer = signerOf(random.bytes(32))
  const store = new FailingStore(directory)
  const boot = random.bytes(16)
  const events: CoreEvent[] = []
  const listeners: ((event: CoreEvent) => void)[] = []
  const core = new LedgerCore({ mesh: 'm', signer, operatorAccount: 'op', tariff: TARIFF_DEFAULT, store, boot, storeId: 's' })
  const host = new InlineHost(
    new CoreRunner(core, setImmediate, (event) => {
      events.push(event)
      for (const listener of listeners) listener(event)
    })
  )
  t.teardown(() => {
    void host.close()
    rmSync(directory, { recursive: true })
  })
  const post = (count: number, caller = signer.peerId) => {
    const buffer = new RowBuffer(count)
    for (let index = 0; index < count; index++) buffer.append(receiptOf({ caller, executor: signer.peerId }, random))
    host.post({ op: 'rows', role: caller === signer.peerId ? 'self' : 'lane', peer: caller, ...buffer.take() })
  }
  const see = (count: number, executor: string) => {
    const buffer = new RowBuffer(count)
    const receipts = Array.from({ length: count }, () => receiptOf({ caller: signer.peerId, executor }, random))
    for (const receipt of receipts) buffer.append(receipt)
    host.post({ op: 'rows', role: 'seen', peer: executor, ...buffer.take() })
    return receipts
  }
  return { store, host, events, listeners, post, see, random, boot, signer }
}

test('receipts outlive a disk that refuses: they are kept, given again, and count once', async (t) => {
  const { store, host, events, post } = setUp(t)
  post(3)
  await host.call({ op: 'barrier' })
  store.full = true
  post(5)
  const refused = { code: 'UNAVAILABLE', message: 'the ledger could not be written to disk: database or disk is full' } as const
  t.like(await t.throwsAsync(host.call({ op: 'barrier' })), refused)
  post(7)
  t.like(await t.throwsAsync(host.call({ op: 'balances' })), refused)
  t.true(events.some((event) => event.type === 'log' && event.fields.reason === 'database or disk is full'))
  t.is(events.filter((event) => event.type === 'stored').length, 1)
  store.full = false
  await host.call({ op: 'barrier' })
  t.is((await host.call({ op: 'stats' })).receipts, 15)
  t.like(await host.call({ op: 'verify' }), { ok: true, receipts: 15 })
})

test('every receipt handed over is acknowledged once, also those seen while the disk refused', async (t) => {
  const { store, host, events, post, see, random } = setUp(t)
  store.full = true
  see(3, signerOf(random.bytes(32)).peerId)
  post(5)
  await t.throwsAsync(host.call({ op: 'barrier' }))
  see(2, signerOf(random.bytes(32)).peerId)
  await t.throwsAsync(host.call({ op: 'barrier' }))
  store.full = false
  await host.call({ op: 'barrier' })
  t.is(
    events.reduce((sum, event) => sum + (event.type === 'stored' ? event.receipts : 0), 0),
    10
  )
})

test('what a statement claimed that could not be stored can be claimed again', async (t) => {
  const { store, host, see, random, boot } = setUp(t)
  const executor = signerOf(random.bytes(32))
  const statement = forge(executor, 'm', see(3, executor.peerId), { callerBoot: boot })
  const offer = { op: 'offer', peer: executor.peerId, bytes: payloadOf(statement), final: true, nowMs: 0 } as const
  store.full = true
  await t.throwsAsync(host.call(offer))
  store.full = false
  store.noInsert = true
  await t.throwsAsync(host.call(offer))
  store.noInsert = false
  t.is((await host.call(offer))?.accepted.length, 1)
})

test('commands of one turn share one transaction', async (t) => {
  const { store, host, post } = setUp(t)
  await settle()
  const before = store.commits
  for (let index = 0; index < 10; index++) post(2)
  await host.call({ op: 'barrier' })
  t.is(store.commits, before + 1)
})

test('a statement is offered only when it is on disk', async (t) => {
  const { store, host, post, random } = setUp(t)
  const caller = signerOf(random.bytes(32)).peerId
  await host.call({ op: 'nextOffer', peer: caller })
  host.post({ op: 'boot', peer: caller, boot: random.bytes(16) })
  await host.call({ op: 'barrier' })
  store.full = true
  post(2, caller)
  const offer = host.call({ op: 'nextOffer', peer: caller })
  t.like(await t.throwsAsync(offer), { code: 'UNAVAILABLE' })
  store.full = false
  t.is((await host.call({ op: 'nextOffer', peer: caller }))?.hashes.length, 1)
})

test('a statement made again for a restarted caller is on disk before it is offered', async (t) => {
  const { store, host, post, random } = setUp(t)
  const caller = signerOf(random.bytes(32)).peerId
  post(2, caller)
  host.post({ op: 'boot', peer: caller, boot: random.bytes(16) })
  await host.call({ op: 'barrier' })
  store.full = true
  t.like(await t.throwsAsync(host.call({ op: 'nextOffer', peer: caller })), { code: 'UNAVAILABLE' })
  store.full = false
  t.is((await host.call({ op: 'nextOffer', peer: caller }))?.hashes.length, 1)
})

test('what was taken from a peer and could not be stored is taken again with the next round', async (t) => {
  const { store, host, events, listeners, random, boot, signer } = setUp(t)
  const clock = new VirtualClock()
  const network = new MemoryNetwork(random, 'm')
  const [executor, caller] = [signerOf(random.bytes(32)), signerOf(random.bytes(32))]
  const peer = network.join(executor.peerId)
  const receipt = receiptOf({ caller: caller.peerId, executor: executor.peerId }, random)
  const statement = forge(executor, 'm', [receipt], { callerBoot: new Uint8Array(16), acceptedBy: caller })
  let pulls = 0
  peer.handle(MESSAGE.LEDGER_HEADS, (_from, request) => {
    const [, after] = request.header as [Uint8Array, number]
    const heads = after === 0 ? [{ feed: 1, counted: true, hash: statement.hash }] : []
    request.reply([new Uint8Array(16), 'peer', 1, statement.hash, 0, 0, 1], headsPayload(heads))
  })
  peer.handle(MESSAGE.LEDGER_PULL, (_from, request) => {
    pulls++
    store.full = pulls === 1
    request.reply([], payloadOf(statement))
  })
  const mesh = network.join(signer.peerId)
  const exchange = new Exchange(
    {
      mesh,
      clock,
      random,
      logger: new MemoryLogger(),
      boot,
      storeId: 's',
      isMember: () => true,
      closeSeen: () => undefined,
      closeLane: () => undefined,
      pushPeersMax: 63
    },
    host
  )
  listeners.push((event) => {
    if (event.type === 'rolledBack') exchange.rolledBack(event.era)
  })
  t.teardown(() => exchange.stop())
  exchange.start()
  const failed = () => events.some(({ type }) => type === 'rolledBack')
  while (!failed()) await settle()
  store.full = false
  const shown = async () => (await host.call({ op: 'stats' })).shown
  t.is(await shown(), 0)
  await clock.advance(3_000)
  t.is(await shown(), 1)
  t.true((await host.call({ op: 'verify' })).ok)
})

test('a cursor does not pass what was lost with a transaction that failed', async (t) => {
  const { store, host, random } = setUp(t)
  const [executor, caller] = [signerOf(random.bytes(32)), signerOf(random.bytes(32))]
  const receipt = receiptOf({ caller: caller.peerId, executor: executor.peerId }, random)
  const statement = forge(executor, 'm', [receipt], { callerBoot: new Uint8Array(16), acceptedBy: caller })
  await host.call({ op: 'barrier' })
  const ingested = await host.call({ op: 'ingest', peer: 'peer', bytes: payloadOf(statement), allowed: [true], itemisedFrom: 0 })
  t.is(ingested.taken, 1)
  store.full = true
  await t.throwsAsync(host.call({ op: 'barrier' }))
  store.full = false
  // Sent before it could be known.
  await host.call({ op: 'moveCursor', peer: 'peer', store: 'theirs', position: 1, era: 0 })
  t.is(await host.call({ op: 'cursor', peer: 'peer', store: 'theirs' }), 0)
  await host.call({ op: 'moveCursor', peer: 'peer', store: 'theirs', position: 1, era: 1 })
  t.is(await host.call({ op: 'cursor', peer: 'peer', store: 'theirs' }), 1)
})

test('after it is closed, commands are refused and nothing is written', async (t) => {
  const { host, post } = setUp(t)
  await host.close()
  post(1)
  t.like(await t.throwsAsync(host.call({ op: 'verify' })), { code: 'UNAVAILABLE' })
})
