import { builtinModules, createRequire } from 'node:module'
import { runInNewContext } from 'node:vm'
import type { Bundle } from '@peerless/interface'
import { buildBundle } from '../src/index.ts'
import { writeZip } from '../src/zip-write.ts'

export const BUILTINS = ['assert', 'buffer', 'crypto', 'events', 'fs', 'fs/promises', 'module', 'path', 'util', 'url']

export type Files = Readonly<Record<string, Uint8Array | string>>

export function zipOf(files: Files): Uint8Array {
  return writeZip(files)
}

export async function bundleOf(files: Files, handler = 'index.handler'): Promise<Bundle> {
  return (await buildBundle({ zip: zipOf(files), handler, builtinsSupported: BUILTINS })).bundle
}

const require = createRequire(import.meta.url)

/** Runs a bundle's script as the sandbox would, in a bare global with nothing but the hook. */
export async function runBundle(bundle: Bundle): Promise<Record<string, unknown>> {
  const hook = (name: unknown) => {
    const bare = String(name).replace(/^node:/, '')
    if (!BUILTINS.includes(bare) || !builtinModules.includes(bare)) throw new Error(`Cannot find module '${name}'`)
    return require(bare)
  }
  hook.resolve = (name: string) => name
  return (await runInNewContext(bundle.script, { __peerlessRequire: hook }, { filename: 'bundle.js' })) as Record<string, unknown>
}

/** The handler of a bundle, called without arguments. */
export async function callBundle(bundle: Bundle): Promise<unknown> {
  const exported = await runBundle(bundle)
  return await (exported[bundle.handlerExport] as () => unknown)()
}
