import test from 'ava'
import { up } from '../_daemon.ts'
import { lambdaOf } from '../_functions.ts'
import { deploy, invokeStream } from './_streams.ts'

test('a streaming handler is heard before it ends, through the stock client', async (t) => {
  const daemon = await up(t)
  const client = await lambdaOf(daemon)
  await deploy(
    client,
    'ticker',
    `let release
    export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
      stream.setContentType('text/plain')
      stream.write('first ')
      await new Promise((resolve) => setTimeout(resolve, event.wait))
      stream.write(context.awsRequestId.length + ' ')
      stream.end('last')
    })`
  )
  const at: number[] = []
  const streamed = await invokeStream(
    client,
    { FunctionName: 'ticker', Payload: JSON.stringify({ wait: 400 }), LogType: 'Tail' },
    () => {
      at.push(performance.now())
    }
  )
  t.deepEqual(streamed.chunks, ['first ', '36 ', 'last'])
  t.is(streamed.complete?.ErrorCode, undefined)
  t.regex(Buffer.from(streamed.complete?.LogResult ?? '', 'base64').toString(), /REPORT RequestId/)
  t.is(streamed.headers['x-amzn-remapped-content-type'], 'text/plain')
  t.true((at[1] as number) - (at[0] as number) > 200, 'the first chunk came while the handler waited')
})
