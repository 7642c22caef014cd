import type { AsyncResult, Catalog } from '@peerless/interface'
import { VirtualClock } from '@peerless/testing'
import { encode } from '@peerless/wire'
import test from 'ava'
import { decodeMeta, decodeResult, encodeMeta, encodeResult, eventOf } from '../src/event.ts'
import { policyOf } from '../src/policy.ts'
import { accept, answer, orderOf, TestMesh } from './_nodes.ts'

const idOf = (number: number) => `00000000-0000-4000-8000-${number.toString().padStart(12, '0')}`
const ID = idOf(1)
const STATE = { term: 1, starts: 0, failures: 0, notBefore: 0, holders: [] }
const HOOK = 'https://example.com/hook'
const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`

test('an event does not run on what another account makes under the name of its function', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  mesh.accounts.f = 'other'
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(60_000)
  t.deepEqual(mesh.started, [])
  t.like(await a.queue.result(ID), { status: 'failed', condition: 'FunctionNotFound', account: 'default' })
})

test('it runs when its own account has the name again in time', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  mesh.accounts.f = 'other'
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(5_000)
  mesh.accounts.f = 'default'
  await mesh.clock.advance(10_000)
  t.is(mesh.started.length, 1)
})

test('it does not run on a node that takes it over either', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  const a = await mesh.up('a')
  const b = await mesh.up('b')
  mesh.accounts.f = 'other'
  await accept(mesh, a, orderOf(ID))
  mesh.crash('a')
  await mesh.clock.advance(60_000)
  t.deepEqual(mesh.started, [])
  t.like(await b.queue.result(ID), { condition: 'FunctionNotFound', account: 'default' })
})

test('its dead letter is that of its own account, and is not sent again to what the other has', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.policy = { retries: 0 }
  mesh.autoRun = () => answer('error')
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(1_000)
  t.is(mesh.started.length, 1)
  mesh.accounts.f = 'other'
  t.deepEqual(await a.queue.deadLetters({ account: 'other' }, 10), [])
  t.is((await a.queue.deadLetters({ account: 'default', functionName: 'f' }, 10)).length, 1)
  const again = a.queue.redrive({ account: 'default' })
  for (let turn = 0; turn < 20; turn++) await mesh.clock.advance(0)
  await mesh.clock.advance(100)
  t.is((await again).length, 1)
  await mesh.clock.advance(60_000)
  t.is(mesh.started.length, 1)
})

test('a record goes to the function of the account that may be invoked, and to nobody who takes its name', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.policies.f = { onSuccess: functionArn('g'), ownerOf: () => 'partner' }
  mesh.accounts.g = 'partner'
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(1_000)
  t.deepEqual(
    mesh.started.map(({ functionName }) => functionName),
    ['f', 'g']
  )
  mesh.accounts.g = 'other'
  await accept(mesh, a, orderOf(idOf(2)))
  await mesh.clock.advance(60_000)
  t.is(mesh.started.length, 3)
})

test('a record that goes to a web address goes there in the name of the account whose event it is about', async (t) => {
  const mesh = new TestMesh(t, new VirtualClock())
  mesh.autoRun = () => answer('ok')
  mesh.policies.f = { onSuccess: HOOK }
  const a = await mesh.up('a')
  await accept(mesh, a, orderOf(ID))
  await mesh.clock.advance(1_000)
  t.is(mesh.posts.length, 1)
  t.like(mesh.posts[0], { account: 'default', url: HOOK })
})

test('of an event of a function that is gone, the settings of what another account has under that name say nothing', (t) => {
  const record = { account: 'other', qualifiers: { $LATEST: { eventInvoke: { retriesMax: 0, onFailure: HOOK } } }, latest: {} }
  const catalog = { get: () => record } as unknown as Catalog
  t.like(policyOf(catalog, 'f', undefined, 'other'), { retries: 0, onFailure: HOOK })
  t.like(policyOf(catalog, 'f', undefined, 'default'), { retries: 2, onFailure: undefined })
  t.like(policyOf(catalog, 'f', undefined, undefined), { retries: 0, onFailure: HOOK }, 'an event that does not say whose it is')
})

test('an event goes to disk with its account, and is read back', (t) => {
  const event = eventOf(orderOf(ID), 5)
  t.deepEqual(decodeMeta(encodeMeta({ event, state: STATE }), ID).event, { ...event, note: undefined })
})

test('what earlier versions wrote of events and results, without accounts, is still read', (t) => {
  const event = [null, null, HOOK, 'text/plain', 5, null, '', ID, {}, ID, 1, 0, 0, 0, []]
  t.is(decodeMeta(encode(event), ID).event.account, undefined)
  const note = ['failure', ID, 'f', functionArn('f'), 200, 'no', 5]
  t.like(decodeMeta(encode([...event, note]), ID).event, { account: undefined, note: { functionName: 'f' } })
  const result = [ID, 'f', null, 'failed', 'RetriesExhausted', 3, 5, 6, '$LATEST', 'Unhandled', Buffer.from('1'), false, 'a']
  t.like(decodeResult(encode(result)), { functionName: 'f', account: undefined, destination: undefined })
  t.like(decodeResult(encode([...result, HOOK])), { destination: HOOK, account: undefined })
})

test('a result is written with its account, with and without a destination', (t) => {
  const result: AsyncResult = {
    requestId: ID,
    functionName: 'f',
    qualifier: undefined,
    status: 'succeeded',
    condition: 'Success',
    attempts: 1,
    acceptedAt: 5,
    settledAt: 6,
    executedVersion: '1',
    functionError: undefined,
    payload: Buffer.from('1'),
    payloadCut: false,
    owner: 'a',
    account: 'default'
  }
  t.like(decodeResult(encodeResult(result)), { account: 'default', destination: undefined })
  t.like(decodeResult(encodeResult({ ...result, destination: HOOK })), { account: 'default', destination: HOOK })
})
