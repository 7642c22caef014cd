import { get } from 'node:http'
import test from 'ava'
import { eventually, up } from '../_daemon.ts'
import { create } from '../_functions.ts'

/** Enough for a node that has nothing to do, and for some fifty clients. */
const FILES = 128
const CLIENTS = 200
/** For so long they take what there is: longer than a node waits until it starts the next executor. */
const HELD_MS = 1_000

const SLEEP = `export const handler = ({ queryStringParameters: { ms } }) => new Promise((resolve) => setTimeout(resolve, Number(ms)))`

test('a node whose descriptors are used up by its clients starts no executor meanwhile, and serves on', async (t) => {
  const node = await up(t, { files: FILES, args: ['--slots', String(CLIENTS)] })
  await create(node, 'sleep', SLEEP)
  const call = (ms: number) =>
    new Promise<number | undefined>((resolve) => {
      const request = get(`${node.http}/fn/sleep/?ms=${ms}`, { agent: false }, (response) => {
        response.resume().on('close', () => resolve(response.statusCode))
      })
      request.on('error', () => resolve(undefined))
    })
  const answers = await Promise.all(Array.from({ length: CLIENTS }, () => call(HELD_MS)))
  t.true(answers.includes(undefined), 'some found no room')
  t.true(
    node.log.some((line) => line.includes('an executor could not be started')),
    'it wanted one meanwhile'
  )
  await eventually(
    () => call(1),
    (status) => status === 200
  )
  t.is(await node.stop(), 0)
})
