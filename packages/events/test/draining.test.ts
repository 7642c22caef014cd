import test from 'ava'
import { MINUTE_MS } from '../src/constants.ts'
import { Mesh, timesOf } from './_mesh.ts'

const lateMs = (mesh: Mesh) => mesh.accepted.map(({ at }, index) => at - Date.parse(timesOf(mesh)[index] as string))

async function minutely(): Promise<{ mesh: Mesh; owner: string }> {
  const mesh = new Mesh()
  for (const name of ['a', 'b', 'c']) mesh.up(name)
  const { owner } = await mesh.any().triggers.addSchedule({ name: 's', functionName: 'f', expression: 'rate(1 minute)' })
  await mesh.clock.advance(MINUTE_MS + 1_000)
  return { mesh, owner }
}

test('a node that is about to stop or to leave fires no more, and another does in time while it is still there', async (t) => {
  const { mesh, owner } = await minutely()
  t.is(mesh.accepted[0]?.node, owner)
  mesh.draining.add(owner)
  mesh.nodes.get(owner)?.stop()
  await mesh.clock.advance(2 * MINUTE_MS)
  t.is(mesh.accepted.length, 3)
  t.true(
    lateMs(mesh).every((ms) => ms < 1_000),
    lateMs(mesh).join()
  )
  t.false(mesh.accepted.slice(1).some(({ node }) => node === owner))
  // It stays after all.
  mesh.draining.delete(owner)
  mesh.nodes.get(owner)?.start()
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted[3]?.node, owner)
  t.is(mesh.accepted.length, 4)
})

test('a node that drains fires nothing while another does not, and all do as ever where all drain', async (t) => {
  const { mesh, owner } = await minutely()
  mesh.draining.add(owner)
  t.not(mesh.any().triggers.get('s')?.owner, owner)
  await mesh.clock.advance(MINUTE_MS)
  t.not(mesh.accepted[1]?.node, owner)
  for (const name of ['a', 'b', 'c']) mesh.draining.add(name)
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted[2]?.node, owner)
  t.is(mesh.accepted.length, 3)
})

test('what the owner had begun to fire when it was closed, another fires', async (t) => {
  const { mesh, owner } = await minutely()
  mesh.closed.add(owner)
  await mesh.clock.advance(MINUTE_MS)
  t.is(mesh.accepted.length, 1, 'it has claimed it')
  mesh.draining.add(owner)
  mesh.nodes.get(owner)?.stop()
  await mesh.clock.advance(3_000)
  t.is(mesh.accepted.length, 2)
  t.not(mesh.accepted[1]?.node, owner)
})
