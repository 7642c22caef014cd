import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, version as esbuildVersion, type Plugin } from 'esbuild'
import { keptBuild, type Made } from './build-cache.ts'
import { executorArguments } from './executor-arguments.ts'
import { micropython, micropythonBinary, micropythonPath, pythonModules } from './micropython.ts'
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
  /** V8's code caches of the glue and the library, made on this machine, see platform-caches.ts; empty where they could not be. */
  guestCache: Uint8Array
  libraryCache: Uint8Array
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
/** To make code caches takes half a second. */
const CACHES_MS_MAX = 60_000
const COMPLAINT_CHARS_MAX = 500
const NOTHING = new Uint8Array(0)

interface PlatformParts {
  guest: string
  library: string
  chunks: Record<string, string>
}

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
  const { executor = '', guest = '', library = '', caches = '' } = parts
  const named = Object.entries(parts).filter(([name]) => name.startsWith(CHUNK))
  const guestChunks = Object.fromEntries(named.map(([name, script]) => [name.slice(CHUNK.length), script]))
  const [guestCache, libraryCache] = caches.split('\n').map((text) => Buffer.from(text, 'base64'))
  return {
    executorScript: executor,
    guestScript: guest,
    libraryScript: library,
    guestChunks,
    guestCache: guestCache ?? NOTHING,
    libraryCache: libraryCache ?? NOTHING,
    ...findAddon()
  }
}

/** All parts made anew. */
export async function bundleAll(chunks: readonly string[]): Promise<Made> {
  const inputs = new Set(await ownFiles())
  const bundle: Bundler = (entry, options) => bundleInto(inputs, entry, options)
  const [executor, maker, guest, library, ...parts] = await Promise.all([
    buildProcess(bundle, 'executor.ts'),
    buildProcess(bundle, 'platform-caches.ts'),
    buildGuest(bundle),
    buildLibrary(bundle),
    ...chunks.map((name) => buildChunk(bundle, name))
  ])
  const named = Object.fromEntries(chunks.map((name, index) => [CHUNK + name, parts[index] as string]))
  inputs.add(micropythonPath())
  const python = await pythonModules(join(HERE, 'guest/python'))
  for (const path of python.inputs) inputs.add(path)
  const caches = await makePlatformCaches(maker, { guest, library, chunks: named })
  const more = { [`${CHUNK}micropython`]: await micropythonBinary(), [`${CHUNK}python-modules`]: python.json }
  return { parts: { executor, guest, library, ...named, ...more, caches }, inputs }
}

/** Lines of base64. Empty where the process fails: then each executor compiles for itself. */
async function makePlatformCaches(maker: string, { chunks, ...scripts }: PlatformParts): Promise<string> {
  const named = Object.fromEntries(Object.entries(chunks).map(([name, script]) => [name.slice(CHUNK.length), script]))
  const { addonPath } = findAddon()
  // Under the flags of executors; its own script is no executor's, and closes nothing.
  const child = spawn(process.execPath, executorArguments(addonPath), {
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: CACHES_MS_MAX
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(`var PARTS = ${JSON.stringify({ ...scripts, chunks: named })};\n${maker}`)
  const [made, complaint, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close').then(([code]) => code)
  ])
  if (code === 0) return made
  process.emitWarning(`V8's code caches of the platform could not be made: ${complaint.slice(-COMPLAINT_CHARS_MAX)}`)
  return ''
}

/** What says how it is bundled, and which versions of packages there are: files that esbuild does not name. */
async function ownFiles(): Promise<string[]> {
  const sources = (await readdir(HERE)).filter((file) => file.endsWith('.ts')).map((file) => join(HERE, file))
  const installed = join(dirname(require.resolve('esbuild/package.json')), '../.package-lock.json')
  return existsSync(installed) ? [...sources, installed] : sources
}

type Bundler = (entry: string, options: BuildOptions) => Promise<string>

/** CommonJS for `node -`. */
async function buildProcess(bundle: Bundler, entry: string): Promise<string> {
  return await bundle(join(HERE, entry), {
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

/** Names of all parts that isolates evaluate when they first use them. */
export async function chunkNames(): Promise<string[]> {
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
