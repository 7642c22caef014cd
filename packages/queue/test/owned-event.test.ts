import test from 'ava'
import { eventOf } from '../src/event.ts'
import { OwnedEvent } from '../src/owned-event.ts'

const EVENT = eventOf(
  {
    requestId: '01a229d1-768e-7c3b-8882-44670710cf95',
    functionName: 'hello',
    account: 'default',
    qualifier: undefined,
    payload: new Uint8Array(0),
    clientContext: undefined,
    invokedArn: 'arn:aws:lambda:us-east-1:000000000000:function:hello',
    lineage: undefined
  },
  0
)
const STATE = { term: 1, starts: 0, failures: 0, notBefore: 0, holders: [] }

test('an event that waits keeps its own bytes only, not all that the socket read with them', (t) => {
  const chunk = Buffer.alloc(65_536, 'head')
  const event = new OwnedEvent({ event: EVENT, state: STATE }, 7, chunk.subarray(100, 107), 'storing')
  t.deepEqual(event.payload, Uint8Array.from(chunk.subarray(100, 107)))
  t.is(event.payload?.buffer.byteLength, 7)
})

test('one that is most of what was read is not copied', (t) => {
  const chunk = new Uint8Array(1_000)
  const body = chunk.subarray(400)
  t.is(new OwnedEvent({ event: EVENT, state: STATE }, 600, body, 'storing').payload, body)
})
