import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, version as esbuildVersion, type Plugin } from 'esbuild'
import { keptBuild, type Made } from './build-cache.ts'
import { micropython, micropythonBinary, micropythonPath } from './micropython.ts'
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
const CHUNKS = join(HERE, 'guest/chunks')
const GUEST = '.guest.ts'
const require = createRequire(import.meta.url)

/** Beside the compile cache of the command line, in the folder of installed packages. */
const CACHE = join(dirname(require.resolve('esbuild/package.json')), '../.cache/peerless/sandbox')
const CHUNK = 'chunk:'

let made: Promise<SandboxCode> | undefined

/** Bundles executor and glue, once per process, or takes them from the cache where nothing that goes into them has changed. */
export function buildSandbox(): Promise<SandboxCode> {
  made ??= makeSandbox()
  return made
}

async function makeSandbox(): Promise<SandboxCode> {
  const chunks = await chunkNames()
  const setting = [process.version, process.platform, esbuildVersion, ...chunks].join(' ')
  const parts = await keptBuild(CACHE, setting, () => bundleAll(chunks))
  const { executor = '', guest = '', library = '' } = parts
  const named = Object.entries(parts).filter(([name]) => name.startsWith(CHUNK))
  const guestChunks = Object.fromEntries(named.map(([name, script]) => [name.slice(CHUNK.length), script]))
  return { executorScript: executor, guestScript: guest, libraryScript: library, guestChunks, ...findAddon() }
}

/** All parts made anew. */
export async function bundleAll(chunks: readonly string[]): Promise<Made> {
  const inputs = new Set(await ownFiles())
  const bundle: Bundler = (entry, options) => bundleInto(inputs, entry, options)
  const [executor, guest, library, ...parts] = await Promise.all([
    buildExecutor(bundle),
    buildGuest(bundle),
    buildLibrary(bundle),
    ...chunks.map((name) => buildChunk(bundle, name))
  ])
  const named = Object.fromEntries(chunks.map((name, index) => [CHUNK + name, parts[index] as string]))
  inputs.add(micropythonPath())
  return { parts: { executor, guest, library, ...named, [`${CHUNK}micropython`]: await micropythonBinary() }, inputs }
}

/** What says how it is bundled, and which versions of packages there are: files that esbuild does not name. */
async function ownFiles(): Promise<string[]> {
  const sources = (await readdir(HERE)).filter((file) => file.endsWith('.ts')).map((file) => join(HERE, file))
  const installed = join(dirname(require.resolve('esbuild/package.json')), '../.package-lock.json')
  return existsSync(installed) ? [...sources, installed] : sources
}

type Bundler = (entry: string, options: BuildOptions) => Promise<string>

async function buildExecutor(bundle: Bundler): Promise<string> {
  return await bundle(join(HERE, 'executor.ts'), {
    platform: 'node',
    format: 'cjs',
    // An optional native helper of cbor-x: headers here are too small to gain by it, and an executor loads one addon only.
    alias: { 'cbor-extract': join(HERE, 'nothing.ts') }
  })
}

async function buildGuest(bundle: Bundler): Promise<string> {
  const script = await bundle(join(HERE, 'guest/index.guest.ts'), {
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'iife',
    globalName: 'glue',
    define: { NODE_VERSIONS: JSON.stringify(nodeVersions()) },
    plugins: [noNodeModules]
  })
  return `(function () { 'use strict'; ${namedAlike(script)}; return glue.prepare })()`
}

/** As packages look at them: what Node understands, and which of the libraries it has. */
function nodeVersions(): Record<string, string> {
  const names = ['node', 'v8', 'uv', 'zlib', 'brotli', 'zstd', 'modules', 'openssl', 'unicode'] as const
  return Object.fromEntries(names.map((name) => [name, process.versions[name] ?? '']))
}

async function buildLibrary(bundle: Bundler): Promise<string> {
  const script = await bundle(join(HERE, 'guest/node/library.guest.ts'), {
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'iife',
    globalName: 'library',
    plugins: [noNodeModules]
  })
  return await buildNodeLibrary(script)
}

async function chunkNames(): Promise<string[]> {
  const files = (await readdir(CHUNKS)).filter((file) => file.endsWith(GUEST)).sort()
  return files.map((file) => file.slice(0, -GUEST.length))
}

/** `guest/chunks/NAME.guest.ts`, without what the glue already has: those modules are asked of it by name. */
async function buildChunk(bundle: Bundler, name: string): Promise<string> {
  const script = await bundle(join(CHUNKS, name + GUEST), {
    platform: 'neutral',
    mainFields: ['module', 'main'],
    format: 'cjs',
    plugins: [micropython, sharedModules, noNodeModules]
  })
  const source = `(function (require) { 'use strict'; var module = { exports: {} }; ${namedAlike(script)}; return module.exports })`
  return `${source}\n//# sourceURL=glue-${name}.js`
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

/**
 * esbuild makes a class that names itself `URL=class _URL{…}`, and functions would see that name. Inside the class both are the same, so
 * it may have the variable's.
 */
function namedAlike(script: string): string {
  const names = [...script.matchAll(/(?<![\w$])([A-Za-z]\w*)=class _\1(?![\w$])/g)].map(([, name]) => name as string)
  return names.reduce((text, name) => text.replaceAll(new RegExp(`(?<![\\w$.#])_${name}(?![\\w$])`, 'g'), name), script)
}

/** Adds the files that went into it to `inputs`. */
async function bundleInto(inputs: Set<string>, entry: string, options: BuildOptions): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    target: 'node26',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    logLevel: 'silent',
    metafile: true,
    absWorkingDir: HERE,
    ...options
  })
  // `<define:…>` and the like are esbuild's own, and no files.
  for (const path of Object.keys(result.metafile?.inputs ?? {})) if (!path.startsWith('<')) inputs.add(resolve(HERE, path))
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
