import { SeededRandom, VirtualClock } from '@peerless/testing'
import test from 'ava'
import fc from 'fast-check'
import { TurnKeeper } from '../src/turn-keeper.ts'

function fixture() {
  const clock = new VirtualClock()
  const keeper = new TurnKeeper(clock)
  const granted: { key: string; holder: string; turn: number }[] = []
  const take = (key: string, holder: string) => keeper.take(key, holder, (turn) => granted.push({ key, holder, turn }))
  const holders = () => granted.map(({ holder }) => holder)
  return { clock, keeper, granted, take, holders }
}

test('one holder at a time, in the order in which they came', (t) => {
  const { keeper, granted, take, holders } = fixture()
  for (const holder of ['a', 'b', 'a', 'c']) take('f', holder)
  take('g', 'b')
  t.deepEqual(holders(), ['a', 'b'])
  t.is(granted[1]?.key, 'g')
  keeper.end('f', 'a', granted[0]?.turn ?? 0)
  t.deepEqual(holders(), ['a', 'b', 'b'])
})

test('nobody ends the turn of another, nor one that is over', (t) => {
  const { keeper, granted, take } = fixture()
  for (const holder of ['a', 'b', 'c']) take('f', holder)
  const first = granted[0]?.turn ?? 0
  keeper.end('f', 'b', first)
  keeper.end('f', 'a', first + 1)
  t.is(granted.length, 1)
  keeper.end('f', 'a', first)
  keeper.end('f', 'a', first)
  t.is(granted.length, 2)
})

test('who stands still loses the turn after five seconds, who goes away at once', async (t) => {
  const { clock, keeper, take, holders } = fixture()
  for (const holder of ['still', 'gone', 'gone', 'last']) take('f', holder)
  await clock.advance(4_999)
  t.deepEqual(holders(), ['still'])
  await clock.advance(1)
  t.deepEqual(holders(), ['still', 'gone'])
  keeper.gone('gone')
  t.deepEqual(holders(), ['still', 'gone', 'last'])
  await clock.advance(5_000)
  t.is(keeper.size, 0)
})

test('who gave a turn hears once that it is over, however it ended', async (t) => {
  const { clock, keeper } = fixture()
  const over: string[] = []
  const turns: number[] = []
  for (const holder of ['says so', 'gone', 'still', 'withdrawn']) {
    const withdraw = keeper.take(
      'f',
      holder,
      (turn) => turns.push(turn),
      () => over.push(holder)
    )
    if (holder === 'withdrawn') withdraw()
  }
  t.true(keeper.has('f', turns[0] ?? 0))
  keeper.end('f', 'says so', turns[0] ?? 0)
  keeper.end('f', 'says so', turns[0] ?? 0)
  t.false(keeper.has('f', turns[0] ?? 0))
  keeper.gone('gone')
  await clock.advance(5_000)
  t.deepEqual(over, ['says so', 'gone', 'still'])
})

test('one node takes a bounded number of turns, and leaves the others theirs', (t) => {
  const { keeper, take } = fixture()
  const withdrawals = Array.from({ length: 1_024 }, (_, index) => take(`f${index % 7}`, 'greedy'))
  t.throws(() => take('f', 'greedy'), { code: 'THROTTLED' })
  take('f', 'modest')
  withdrawals.at(-1)?.()
  withdrawals.at(-1)?.()
  take('f', 'greedy')
  t.throws(() => take('f', 'greedy'), { code: 'THROTTLED' })
  keeper.gone('greedy')
  take('f', 'greedy')
  t.is(keeper.size, 1)
})

test('whatever happens: never two holders of one key, and all get their turn', (t) => {
  const action = fc.record({ what: fc.constantFrom('take', 'end', 'gone', 'withdraw'), key: fc.nat(2), holder: fc.nat(3) })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const keeper = new TurnKeeper(new VirtualClock())
      const has = new Map<string, { holder: string; turn: number }>()
      const wishes: { key: string; holder: string; withdraw: () => void; granted: boolean; dropped: boolean }[] = []
      const drop = (key: string) => has.delete(key)
      for (const { what, key: k, holder: h } of actions) {
        const [key, holder] = [`k${k}`, `h${h}`]
        const held = has.get(key)
        if (what === 'take') {
          const wish = { key, holder, withdraw: () => {}, granted: false, dropped: false }
          wishes.push(wish)
          wish.withdraw = keeper.take(key, holder, (turn) => {
            if (has.has(key)) throw new Error(`two holders of ${key}`)
            if (wish.dropped) throw new Error('a wish that was withdrawn was granted')
            has.set(key, { holder, turn })
            wish.granted = true
          })
        } else if (what === 'end' && held !== undefined) {
          drop(key)
          keeper.end(key, held.holder, held.turn)
        } else if (what === 'gone') {
          for (const wish of wishes) if (wish.holder === holder && !wish.granted) wish.dropped = true
          for (const [of, { holder: who }] of [...has]) if (who === holder) drop(of)
          keeper.gone(holder)
        } else if (what === 'withdraw') {
          const wish = wishes.find((one) => one.key === key && one.holder === holder && !one.granted)
          if (wish === undefined) continue
          wish.dropped = true
          wish.withdraw()
        }
      }
      while (has.size > 0) {
        for (const [key, { holder, turn }] of [...has]) {
          drop(key)
          keeper.end(key, holder, turn)
        }
      }
      return keeper.size === 0 && wishes.every(({ granted, dropped }) => granted || dropped)
    }),
    { seed: new SeededRandom(1).next() * 2 ** 31 }
  )
  t.pass()
})
