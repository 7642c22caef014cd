import { messageOf, PeerlessError } from '@peerless/interface'
import { bundleOf, callBundle } from './_zip.ts'

/** Run as a process of its own: builds code that overflows esbuild's stack beside code that does not, and prints how each ended. */
const OVERFLOWS_AT = 300_000

async function ending(source: string): Promise<unknown> {
  try {
    return await callBundle(await bundleOf({ 'index.mjs': source }))
  } catch (error) {
    return error instanceof PeerlessError ? [error.code, error.message] : messageOf(error)
  }
}

const together = await Promise.all([
  ending(`export const handler = ${'('.repeat(OVERFLOWS_AT)}`),
  ...[1, 2, 3].map((value) => ending(`export const handler = () => ${value}`))
])
process.stdout.write(JSON.stringify([...together, await ending('export const handler = () => 4')]))
