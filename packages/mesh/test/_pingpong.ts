/**
 * Measures requests between two processes over loopback TCP: `node packages/mesh/test/_pingpong.ts [seconds] [payload bytes]`.
 * Prints latency with one request at a time and throughput at concurrency 64.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryLogger, realClock } from '@peerless/testing'
import { createMesh, type PeerlessMesh } from '../src/index.ts'
import { realRandom } from './_nodes.ts'

const CONCURRENCY = 64
const WARM_UP_MS = 500

const directory = await mkdtemp(join(tmpdir(), 'peerless-pingpong-'))
const token = process.env.PINGPONG_JOIN
const mesh = await createMesh({
  directory,
  name: 'pingpong',
  join: token,
  clock: realClock,
  random: realRandom,
  logger: new MemoryLogger()
})
mesh.handle(1, (_peerId, request) => request.reply(undefined, request.payload))

if (token === undefined) await measure()
else {
  await mesh.start()
  process.once('disconnect', () => void stop())
}

async function measure(): Promise<void> {
  await mesh.start()
  const seconds = Number(process.argv[2] ?? 3)
  const payload = Buffer.alloc(Number(process.argv[3] ?? 100))
  const invite = await mesh.invite({ role: 'node', ttlMs: 60_000, uses: 1 })
  const peer = new Promise<string>((resolve) => mesh.onPeer((peerId, connected) => connected && resolve(peerId)))
  const child = spawn(process.execPath, [import.meta.filename], {
    env: { ...process.env, PINGPONG_JOIN: invite },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const peerId = await peer
  await latency(mesh, peerId, payload, WARM_UP_MS)
  const times = await latency(mesh, peerId, payload, (seconds * 1_000) / 2)
  times.sort((a, b) => a - b)
  const at = (share: number) => `${Math.round((times[Math.floor(times.length * share)] ?? 0) * 1_000)} µs`
  console.log(`alone: ${times.length} requests, p50 ${at(0.5)}, p99 ${at(0.99)}`)
  await throughput(mesh, peerId, payload, WARM_UP_MS)
  console.log(
    `concurrency ${CONCURRENCY}: ${Math.round(await throughput(mesh, peerId, payload, (seconds * 1_000) / 2))} requests/s`
  )
  child.disconnect()
  await stop()
}

async function latency(from: PeerlessMesh, peerId: string, payload: Uint8Array, ms: number): Promise<number[]> {
  const times: number[] = []
  const end = performance.now() + ms
  for (let now = performance.now(); now < end; ) {
    await from.call(peerId, 1, undefined, payload)
    const after = performance.now()
    times.push(after - now)
    now = after
  }
  return times
}

function throughput(from: PeerlessMesh, peerId: string, payload: Uint8Array, ms: number): Promise<number> {
  const start = performance.now()
  let answered = 0
  let open = CONCURRENCY
  return new Promise((resolve) => {
    const one = () => {
      from.request(peerId, 1, undefined, payload, (error) => {
        if (error !== undefined) throw error
        answered++
        const elapsed = performance.now() - start
        if (elapsed < ms) one()
        else if (--open === 0) resolve((answered / elapsed) * 1_000)
      })
    }
    for (let index = 0; index < CONCURRENCY; index++) one()
  })
}

async function stop(): Promise<void> {
  await mesh.stop()
  await rm(directory, { recursive: true, force: true })
}
