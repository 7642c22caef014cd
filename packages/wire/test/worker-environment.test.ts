import { getCompileCacheDir } from 'node:module'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { workerEnvironment } from '../src/index.ts'

test('a worker keeps compiled code where its process does, and gets nothing else of the environment', async (t) => {
  // Which scripts/test-cache.js has named.
  t.truthy(getCompileCacheDir())
  const script = `require('node:worker_threads').parentPort.postMessage([require('node:module').getCompileCacheDir(), Object.keys(process.env)])`
  const worker = new Worker(script, { eval: true, execArgv: [], env: workerEnvironment() })
  const [folder, names] = await new Promise<[string, string[]]>((resolve) => worker.once('message', resolve))
  t.is(folder, getCompileCacheDir() as string)
  t.deepEqual(names, ['NODE_COMPILE_CACHE'])
  await worker.terminate()
})
