import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import test from 'ava'
import { steadyMuxer } from '../src/steady-muxer.ts'

test('a connection that closes while a stream is opened on it ends the stream and throws at nobody', async (t) => {
  const [ours, theirs] = multiaddrConnectionPair()
  const muxer = steadyMuxer(yamux())(undefined).createStreamMuxer(ours)
  const other = steadyMuxer(yamux())(undefined).createStreamMuxer(theirs)
  // What yamux throws in its microtask would end this process.
  const closing = ours.close()
  const stream = await muxer.createStream()
  await closing
  t.not(stream.status, 'open')
  muxer.abort(new Error('end'))
  other.abort(new Error('end'))
})

test('a connection that stays carries what is written', async (t) => {
  const [ours, theirs] = multiaddrConnectionPair()
  const muxer = steadyMuxer(yamux())(undefined).createStreamMuxer(ours)
  const other = steadyMuxer(yamux())(undefined).createStreamMuxer(theirs)
  const heard = new Promise<string>((resolve) => {
    other.addEventListener('stream', ({ detail }) =>
      detail.addEventListener('message', ({ data }) => resolve(Buffer.from(data.subarray()).toString()))
    )
  })
  const stream = await muxer.createStream()
  stream.send(Buffer.from('hello'))
  t.is(await heard, 'hello')
  ours.abort(new Error('end'))
  theirs.abort(new Error('end'))
})
