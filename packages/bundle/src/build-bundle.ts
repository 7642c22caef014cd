import { type Bundle, LIMITS, PeerlessError } from '@peerless/interface'
import { type BuildOptions, build, type OutputFile } from 'esbuild'
import { againAsync } from './async-functions.ts'
import { encodeBundle } from './bundle-codec.ts'
import { addFiles } from './bundle-files.ts'
import { keepClassNames } from './class-names.ts'
import { messagesOf, sourceError } from './esbuild-errors.ts'
import { withEsbuild } from './esbuild-service.ts'
import { foreignBundle } from './foreign-bundle.ts'
import { findHandlerFile, listed, parseHandler } from './handler-name.ts'
import { originalPlaces } from './original-places.ts'
import { NO_SHARED_PROTOTYPE, shiftedMap, TASK_FOLDER, wrapScript } from './script-wrapper.ts'
import { nameInZip, zipPlugin } from './zip-plugin.ts'
import { listZip, type ZipItem } from './zip-read.ts'
import { ZipResolver } from './zip-resolver.ts'
import { LAYERS_FOLDER, ZipTree } from './zip-tree.ts'

/** A larger map is left out: executors would pay for it at every start, and stack traces still have the bundle's lines. */
const SOURCE_MAP_BYTES_MAX = 16_777_216

export interface BundleOrder {
  /** As uploaded; hostile until proven otherwise. */
  zip: Uint8Array
  /** Zips of layers, lowest first; later ones win. Their files are under `/opt`. */
  layers?: readonly Uint8Array[]
  /** 'file.export' or 'folder/file.export'. */
  handler: string
  /** `node:` modules that functions have, without the prefix ('fs/promises' counts apart from 'fs'). */
  builtinsSupported: readonly string[]
}

/**
 * Compiles the handler's file with all that it imports into one script. Nothing of the zip is run, and nothing but the zip is
 * read: the same zip and handler give the same bytes on every machine.
 * @throws INVALID_ZIP, TOO_LARGE, INVALID_ARGUMENT (handler), HANDLER_NOT_FOUND, INVALID_SOURCE (`file:line:column: text`)
 */
export async function buildBundle(order: BundleOrder): Promise<{ bytes: Uint8Array; bundle: Bundle }> {
  const { stem, exportName } = parseHandler(order.handler)
  const tree = new ZipTree(await filesOf(order.zip, order.layers ?? []))
  const foreign = await foreignBundle(tree, stem, exportName)
  if (foreign !== undefined) return await sealed(foreign, order.handler)
  const entry = findHandlerFile(order.handler, stem, tree)
  const files = new Map<string, Uint8Array>()
  const read = new Set<string>()
  const builtinsSupported = new Set(order.builtinsSupported.map((name) => name.replace(/^node:/, '')))
  const compiled = await withEsbuild(
    () => compile(tree, entry, builtinsSupported, files, read),
    (cause) => overwhelmed(entry, cause)
  )

  await addFiles(tree, files, read)
  const { script, commonJs } = wrapScript({ ...compiled, entry })
  const handlerExport = commonJs ? exportName : chooseExport(order.handler, entry, exportName, compiled.exports)
  const sourceMap = shiftedMap(compiled.map, nameInZip)
  const bundle: Bundle = {
    format: 1,
    script,
    sourceMap: (sourceMap?.length ?? 0) > SOURCE_MAP_BYTES_MAX ? undefined : sourceMap,
    builtins: builtinsOf(compiled.code, builtinsSupported),
    handlerExport,
    ...(files.size === 0 ? {} : { files })
  }
  return await sealed(bundle, order.handler)
}

async function sealed(bundle: Bundle, handler: string): Promise<{ bytes: Uint8Array; bundle: Bundle }> {
  const bytes = await encodeBundle(bundle)
  if (bytes.length > LIMITS.bundleBytesMax) {
    throw new PeerlessError('TOO_LARGE', `the bundle of '${handler}' has ${bytes.length} bytes, at most ${LIMITS.bundleBytesMax}`)
  }
  return { bytes, bundle }
}

/** The zip's files, and those of its layers under a folder of their own. Bounded all together as one zip is. */
async function filesOf(zip: Uint8Array, layers: readonly Uint8Array[]): Promise<ZipItem[]> {
  const items = await listZip(zip)
  for (const layer of layers) {
    for (const item of await listZip(layer))
      items.push({ ...item, name: `${LAYERS_FOLDER}/${item.name}`, read: () => item.read() })
  }
  const bytes = items.reduce((sum, item) => sum + item.bytesDeclared, 0)
  if (bytes > LIMITS.unzippedBytesMax)
    throw new PeerlessError(
      'TOO_LARGE',
      `Unzipped size must be smaller than ${LIMITS.unzippedBytesMax} bytes; with its layers the function has ${bytes}`,
      { detail: { unzipped: true } }
    )
  return items
}

interface Compiled {
  code: string
  map: string
  format: 'esm' | 'cjs'
  asynchronous: boolean
  /** Names that the ES module exports; of CommonJS nothing is known. */
  exports: readonly string[]
}

/** esbuild's own compilation of `await` into callbacks of promises, which is where the store of AsyncLocalStorage can be carried along. */
const NO_AWAIT = { 'async-await': false, 'async-generator': false, 'for-await': false }
/** Of what esbuild puts into ES modules that it makes out of CommonJS; what they then call has any name. */
const HAS_SHIM = 'Dynamic require of "'

/**
 * Most code compiles at the first try. esbuild says by an error when it awaits at top level, which makes the script's value a
 * promise, and when CommonJS has syntax that strict code forbids, which only its CommonJS format lets through.
 */
async function compile(
  tree: ZipTree,
  entry: string,
  builtinsSupported: ReadonlySet<string>,
  files: Map<string, Uint8Array>,
  read: Set<string>
): Promise<Compiled> {
  const resolver = new ZipResolver(tree)
  const native = new Set<string>()
  const plugin = zipPlugin({
    tree,
    resolver,
    entry: await resolver.describe(entry),
    builtinsSupported,
    files,
    read,
    native
  })
  const attempt = async (format: 'esm' | 'cjs', asynchronous: boolean, native = true): Promise<Compiled> => {
    const options = {
      ...settings(entry),
      format,
      plugins: [plugin],
      supported: { 'top-level-await': asynchronous, 'dynamic-import': false, 'import-meta': false, ...(native ? {} : NO_AWAIT) }
    }
    const { outputFiles, metafile } = await build(options)
    const output = Object.values(metafile.outputs).find((one) => one.entryPoint !== undefined)
    const compiled = textOf(outputFiles, '.js')
    if (native && builtinsOf(compiled, builtinsSupported).includes('async_hooks'))
      return await attempt(format, asynchronous, false)
    const code = await keepClassNames(native ? compiled : againAsync(compiled), async () =>
      textOf((await build({ ...options, keepNames: true })).outputFiles, '.js')
    )
    return { code, map: textOf(outputFiles, '.map'), format, asynchronous, exports: output?.exports ?? [] }
  }
  try {
    return await attempt('esm', false)
  } catch (first) {
    const messages = messagesOf(first)
    if (messages === undefined) throw first
    const awaits = messages.every(({ text }) => text.startsWith('Top-level await is not available'))
    const sloppy = messages.every(({ text }) => /\b(?:strict mode|"esm" output format)\b/.test(text))
    if (!awaits && !sloppy) throw sourceError(await originalPlaces(messages, tree), nameInZip, native)
    try {
      return await attempt(awaits ? 'esm' : 'cjs', awaits)
    } catch (second) {
      const others = messagesOf(second)
      throw others === undefined ? second : sourceError(await originalPlaces(others, tree), nameInZip, native)
    }
  }
}

function textOf(files: readonly OutputFile[], ending: string): string {
  return files.find(({ path }) => path.endsWith(ending))?.text ?? ''
}

function settings(entry: string) {
  const file = `${TASK_FOLDER}/${entry}`
  return {
    // A constant too: esbuild expands stars in entry names over the disk. The plugin knows which file is meant.
    entryPoints: ['handler'],
    bundle: true,
    write: false,
    metafile: true,
    outfile: '/bundle.js',
    platform: 'neutral',
    // What the V8 of Node 26 can't parse (decorators) is rewritten; the rest stays as it is.
    target: 'node24',
    // One character beyond Latin-1 makes V8 keep all of the text in two bytes each, in every instance. Regular expressions stay as they are.
    charset: 'ascii',
    legalComments: 'none',
    sourcemap: 'external',
    // Also keeps esbuild from reading files that an input map names as its sources.
    sourcesContent: false,
    // A constant, so that no tsconfig.json is looked for.
    tsconfigRaw: '{}',
    define: {
      'SharedArrayBuffer.prototype': NO_SHARED_PROTOTYPE,
      'import.meta.url': JSON.stringify(`file://${file}`),
      'import.meta.filename': JSON.stringify(file),
      'import.meta.dirname': JSON.stringify(file.replace(/\/[^/]*$/, ''))
    },
    logLevel: 'silent'
  } as const satisfies BuildOptions
}

/** A web-standard handler is the default export, whatever the handler's name says. */
function chooseExport(handler: string, entry: string, exportName: string, exports: readonly string[]): string {
  if (exports.includes(exportName)) return exportName
  if (exports.includes('default')) return 'default'
  throw new PeerlessError(
    'HANDLER_NOT_FOUND',
    `handler '${handler}': '${entry}' has no export '${exportName}'; it exports ${listed(exports)}`
  )
}

const HOOK_CALL = /\b(?:__peerlessRequire|getBuiltinModule)\("([\w/.:-]{1,64})"\)/g
const ANY_CALL = /(?<![\w$.])[\w$]{1,64}\("([\w/.:-]{1,64})"\)/g

/** Those that are left after tree shaking, also in code that was bundled before it was zipped. Buffer is a global of Node's module. */
function builtinsOf(code: string, supported: ReadonlySet<string>): string[] {
  const names = new Set<string>()
  for (const match of code.matchAll(code.includes(HAS_SHIM) ? ANY_CALL : HOOK_CALL)) {
    const name = (match[1] ?? '').replace(/^node:/, '')
    if (supported.has(name)) names.add(name)
  }
  if (supported.has('buffer') && /\bBuffer\b/.test(code)) names.add('buffer')
  return [...names].sort()
}

function overwhelmed(entry: string, cause: unknown): PeerlessError {
  const text = `'${entry}' can't be compiled: with its imports it is nested too deeply, or needs more memory than the bundler gets`
  return new PeerlessError('INVALID_SOURCE', text, { cause })
}
