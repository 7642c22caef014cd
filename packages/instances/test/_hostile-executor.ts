import { readSync } from 'node:fs'
import { EXECUTOR_MESSAGE, EXECUTOR_PIPE_FD } from '@peerless/sandbox'
import { Connection, descriptorChannel } from '@peerless/wire'
import fc from 'fast-check'

/**
 * An executor that was taken over: it makes instances as it should, and answers each call with whatever comes to its mind: answers of every
 * shape, notifications of every type, bytes that are no frames.
 */
const channel = descriptorChannel(EXECUTOR_PIPE_FD)
/** Far apart for processes that were started one after the other: neighbours would draw nearly the same. Knuth's multiplier. */
const seed = Math.imul(process.pid, 0x9e3779b1)
let draws = 0

function draw<Value>(arbitrary: fc.Arbitrary<Value>): Value {
  return fc.sample(arbitrary, { seed: seed + draws++, numRuns: 1 })[0] as Value
}

const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, Number.NaN, 1e300, 2 ** 53))
const scalar = fc.oneof(number, fc.string(), fc.boolean(), fc.constantFrom(null, undefined))
const header = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 8 }),
  fc.dictionary(fc.string(), scalar),
  fc.array(fc.array(scalar), { maxLength: 8 })
)
const result = fc.tuple(
  fc.nat(5),
  fc.nat(),
  fc.nat(),
  fc.nat(),
  fc.nat(15),
  fc.oneof(number, fc.constant(200)),
  fc.array(fc.string())
)
const types = fc.oneof(fc.nat(60), fc.constantFrom(...Object.values(EXECUTOR_MESSAGE)))

const connection = new Connection(channel, {
  onRequest: (request) => {
    if (request.type === EXECUTOR_MESSAGE.LOAD) request.reply([0, 1, 0])
    if (request.type !== EXECUTOR_MESSAGE.INVOKE) return
    const count = draw(fc.nat(20))
    for (let index = 0; index < count; index++)
      connection.notify(draw(types), draw(header), draw(fc.uint8Array({ maxLength: 100 })))
    const mood = draw(fc.nat(9))
    if (mood === 0) channel.send(draw(fc.uint8Array({ minLength: 8, maxLength: 200 })))
    else if (mood === 1) process.exit(draw(fc.nat(3)))
    else request.reply(draw(fc.oneof(header, result)), draw(fc.uint8Array({ maxLength: 100 })))
  },
  onClose: () => process.exit(0),
  schedule: setImmediate
})
connection.notify(EXECUTOR_MESSAGE.HELLO, draw(header))
// Its script comes through stdin: taken, and not looked at.
const drop = Buffer.alloc(65_536)
while (readSync(0, drop) > 0);
