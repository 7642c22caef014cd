import { existsSync } from 'node:fs'
import test from 'ava'
import { bundleAll, chunkNames } from '../src/build.ts'

test('all that the sandbox is made of are files: else it could not be kept, and each start would make it anew', async (t) => {
  const { parts, inputs } = await bundleAll(await chunkNames())
  t.true(Object.values(parts).every((part) => part !== ''))
  t.deepEqual(
    [...inputs].filter((path) => !existsSync(path)),
    []
  )
})
