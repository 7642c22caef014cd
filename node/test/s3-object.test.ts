import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { OBJECTS_READ_MAX, OBJECTS_WAITING_MAX, s3Objects } from '../src/s3-object.ts'

test('few objects are in memory at once, and of those that wait a bounded number', async (t) => {
  const held: ServerResponse[] = []
  let asked: () => void = () => undefined
  const server = createServer((_request, response) => {
    held.push(response)
    asked()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close().closeAllConnections())
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fetchObject = s3Objects(
    { endpoint, region: 'r', accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: undefined },
    () => 0
  )
  const order = { bucket: 'b', key: 'k', version: undefined, bytesMax: 100 }
  const reads = Array.from({ length: OBJECTS_READ_MAX + OBJECTS_WAITING_MAX }, () => fetchObject(order))
  await t.throwsAsync(fetchObject(order), { code: 'THROTTLED', message: /256 requests wait .* at most 256/ })
  for (let answered = 0; answered < reads.length; ) {
    while (held.length < Math.min(OBJECTS_READ_MAX, reads.length - answered)) {
      await new Promise<void>((resolve) => {
        asked = resolve
      })
    }
    t.true(held.length <= OBJECTS_READ_MAX)
    const some = held.splice(0)
    for (const response of some) response.end('zip')
    answered += some.length
  }
  t.is((await Promise.all(reads)).length, OBJECTS_READ_MAX + OBJECTS_WAITING_MAX)
})
