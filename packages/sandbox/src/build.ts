import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { micropython, micropythonBinary } from './micropython.ts'
import { buildNodeLibrary } from './node-library.ts'

/** What an executor is started with. */
export interface SandboxCode {
  /** CommonJS for `node -`: the whole executor, so that the process needs to read no file. */
  executorScript: string
  /** A classic script whose completion value is the glue's `prepare` function. */
  guestScript: string
  /** Another, for instances whose code asks for `node:` modules: see guest/node. */
  libraryScript: string
  /** Parts of the glue that an isolate evaluates when it first uses them: each an expression that is a function of `require`. */
  guestChunks: Readonly<Record<string, string>>
  /** The native addon of isolated-vm for this machine, the one file that an executor opens. */
  addonPath: string
  isolatedVmVersion: string
}

const HERE = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)

let made: Promise<SandboxCode> | undefined

/** Bundles executor and glue, once per process. */
export function buildSandbox(): Promise<SandboxCode> {
  made ??= Promise.all([buildExecutor(), buildGuest(), buildLibrary(), buildChunks()]).then(
    ([executorScript, guestScript, libraryScript, guestChunks]) => ({
      executorScript,
      guestScript,
      libraryScript,
      guestChunks,
      ...findAddon()
    })
  )
  return made
}

async function buildExecutor(): Promise<string> {
  return await bundle(join(HERE, 'executor.ts'), {
    platform: 'node',
    format: 'cjs',
    // An optional native helper of cbor-x: headers here are too small to gain by it, and an executor loads one addon only.
    alias: { 'cbor-extract': join(HERE, 'nothing.ts') }
  })
}

async function buildGuest(): Promise<string> {
  const script = await bundle(join(HERE, 'guest/index.guest.ts'), {
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'iife',
    globalName: 'glue',
    plugins: [noNodeModules]
  })
  return `(function () { 'use strict'; ${script}; return glue.prepare })()`
}

async function buildLibrary(): Promise<string> {
  const script = await bundle(join(HERE, 'guest/node/library.guest.ts'), {
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'iife',
    globalName: 'library',
    plugins: [noNodeModules]
  })
  return await buildNodeLibrary(script)
}

/** `guest/chunks/NAME.guest.ts`, without what the glue already has: those modules are asked of it by name. */
async function buildChunks(): Promise<Record<string, string>> {
  const folder = join(HERE, 'guest/chunks')
  const files = (await readdir(folder)).filter((file) => file.endsWith('.guest.ts'))
  const made = await Promise.all(
    files.map(async (file): Promise<[string, string]> => {
      const name = file.slice(0, -'.guest.ts'.length)
      const script = await bundle(join(folder, file), {
        platform: 'neutral',
        mainFields: ['module', 'main'],
        format: 'cjs',
        plugins: [micropython, sharedModules, noNodeModules]
      })
      const source = `(function (require) { 'use strict'; var module = { exports: {} }; ${script}; return module.exports })`
      return [name, `${source}\n//# sourceURL=glue-${name}.js`]
    })
  )
  return { ...Object.fromEntries(made), micropython: await micropythonBinary() }
}

/** In a chunk, `guest/x.guest.ts` is the glue's own module x, `guest/chunks/x.guest.ts` the chunk x: neither is bundled a second time. */
const sharedModules: Plugin = {
  name: 'shared-modules',
  setup(builder) {
    builder.onResolve({ filter: /^\.\.?\/.*\.guest\.ts$/ }, ({ path, kind, resolveDir }) => {
      if (kind === 'entry-point') return undefined
      const file = resolve(resolveDir, path)
      const name = basename(file, '.guest.ts')
      const folder = dirname(file)
      if (folder === join(HERE, 'guest')) return { path: name, external: true }
      return folder === join(HERE, 'guest/chunks') ? { path: `./${name}`, external: true } : undefined
    })
  }
}

async function bundle(entry: string, options: Parameters<typeof build>[0]): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    logLevel: 'silent',
    ...options
  })
  const script = result.outputFiles?.[0]?.text
  if (script === undefined) throw new Error(`esbuild made nothing of ${entry}`)
  return script
}

/** What runs inside an isolate can't import what is only outside. */
const noNodeModules: Plugin = {
  name: 'no-node-modules',
  setup(builder) {
    builder.onResolve({ filter: /^node:/ }, ({ path, importer }) => ({
      errors: [{ text: `${path}, imported by ${importer}, is not there inside an isolate` }]
    }))
  }
}

/** As isolated-vm itself finds it (node-gyp-build), but here, so that the executor need not look around on disk. */
function findAddon(): { addonPath: string; isolatedVmVersion: string } {
  const manifest = require.resolve('isolated-vm/package.json')
  const load = createRequire(manifest)('node-gyp-build') as { path(directory: string): string }
  const { version } = require(manifest) as { version: string }
  return { addonPath: load.path(dirname(manifest)), isolatedVmVersion: version }
}
