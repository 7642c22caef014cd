import test from 'ava'
import { type Daemon, eventually, meshOf } from '../_daemon.ts'
import { CHANGES, type Place, placeOf, type Run } from './_changes.ts'

/** Long enough for a machine that is busy with other tests, and far from the day that anti-entropy is set to: what is seen was told. */
const PATIENCE_MS = 20_000
/** A node that stands still for a second is not waited for, and a busy machine may make one do so. Where nobody is waited for, up to six are late. */
const LATE_MAX = 1

test('each kind of change is seen at every node as soon as it is answered, because they were told: anti-entropy is a day away', async (t) => {
  const daemons = (await meshOf(t, 3, ['--anti-entropy', '1d'])) as [Daemon, Daemon, Daemon]
  const places = (await Promise.all(daemons.map(placeOf))) as [Place, Place, Place]
  for (const place of places)
    await eventually(
      async () => (await place.ask('GET', '/v1/peers')).json as { status: string }[],
      (peers) => peers.filter(({ status }) => status === 'connected').length === 3
    )
  const run: Run = { name: 'seen' }
  const late: string[] = []
  for (const [turn, { kind, make, shown }] of CHANGES.entries()) {
    const here = places[turn % places.length] as Place
    await make(here, run)
    const others = places.filter((place) => place !== here)
    // The others first: looking here gives them time.
    const atOnce = await Promise.all(others.map((there) => shown(there, run)))
    late.push(...atOnce.flatMap((is) => (is ? [] : [kind])))
    t.true(await shown(here, run), `${kind}: read your writes`)
    for (const there of others) {
      await eventually(
        () => shown(there, run),
        (is) => is,
        PATIENCE_MS
      ).catch((error) => t.fail(`${kind} at another node: ${error}`))
    }
  }
  t.true(late.length <= LATE_MAX, `late at another node: ${late.join(', ')}`)
  t.log(`${CHANGES.length} kinds of change, made at three nodes in turn`)
})
