import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve, sep } from 'node:path'
import { LIMITS, messageOf, PeerlessError } from '@peerless/interface'
import { type BuildOptions, build, type Message } from 'esbuild'
import { IN_PACKAGE } from './absent-builtin.ts'
import { absentPackages } from './absent-package.ts'
import { FILES_BYTES_MAX } from './bundle-files.ts'
import { keepClassNames } from './class-names.ts'
import { messagesOf, sourceError } from './esbuild-errors.ts'
import { listed, parseHandler } from './handler-name.ts'
import { folderFiles } from './pack-files.ts'
import { FOREIGN_EXTENSIONS, foreignEntry, packForeign } from './pack-foreign.ts'
import { builtinsOfNode, modulePlaces, noNativeCode } from './pack-plugins.ts'
import { SOURCE_EXTENSIONS } from './zip-resolver.ts'
import { writeZip } from './zip-write.ts'

const HANDLER_DEFAULT = 'index.handler'
/** What the Lambda API of the day calls it; any Node runtime runs the same here. */
const RUNTIME = 'nodejs24.x'
/** Where a folder's entry is looked for when its package.json names none that exists. */
const ENTRY_STEMS = ['index', 'src/index'] as const

export interface PackOrder {
  /** A source file, a folder, or a ready .zip; relative to the current folder or absolute. */
  path: string
  /** 'file.export' or 'folder/file.export'; found out when not given. */
  handler?: string | undefined
}

export interface PackedSource {
  zip: Uint8Array
  handler: string
  runtime: string
}

/**
 * The author's side of a deployment: bundles a file or folder with its npm dependencies, as Node finds them from there, into a zip
 * of one script and its source map. It reads this machine's disk, so it is for the author's own code; what a node does with
 * the zip is `buildBundle`.
 * @throws INVALID_ARGUMENT (path), INVALID_SOURCE (`file:line:column: text`), HANDLER_NOT_FOUND, TOO_LARGE
 */
export async function packSource(order: PackOrder): Promise<PackedSource> {
  const path = resolve(order.path)
  const found = await stat(path).catch((error) => {
    throw new PeerlessError('INVALID_ARGUMENT', `path '${order.path}' can't be read: ${messageOf(error)}`, { cause: error })
  })
  if (found.isFile() && extname(path) === '.zip') return await passZip(path, found.size, order.handler)
  const wanted = order.handler === undefined ? undefined : parseHandler(order.handler)
  const entry = found.isFile() ? sourceFile(path) : await folderEntry(path, order.handler, wanted?.stem)
  if (isForeign(entry)) return await packForeign(entry, found.isFile() ? undefined : path, order.handler)
  const packed = await compile(entry, found.isFile() ? dirname(path) : path)
  const exportName = chooseExport(entry, wanted?.exportName, packed)
  const name = packed.exports === undefined ? 'index.cjs' : 'index.mjs'
  const zip = writeZip({
    ...(found.isDirectory() ? await folderFiles(path) : {}),
    [name]: `${packed.code}//# sourceMappingURL=${name}.map\n`,
    [`${name}.map`]: packed.map,
    ...packed.assets
  })
  if (zip.length > LIMITS.zipBytesMax) {
    throw new PeerlessError('TOO_LARGE', `'${order.path}' packs to ${zip.length} bytes, at most ${LIMITS.zipBytesMax}`)
  }
  return { zip, handler: `index.${exportName}`, runtime: RUNTIME }
}

async function passZip(path: string, bytes: number, handler: string | undefined): Promise<PackedSource> {
  if (bytes > LIMITS.zipBytesMax) {
    throw new PeerlessError('TOO_LARGE', `'${path}' has ${bytes} bytes, at most ${LIMITS.zipBytesMax}`)
  }
  return { zip: await readFile(path), handler: handler ?? HANDLER_DEFAULT, runtime: RUNTIME }
}

function isForeign(path: string): boolean {
  return (FOREIGN_EXTENSIONS as readonly string[]).includes(extname(path))
}

function sourceFile(path: string): string {
  if ((SOURCE_EXTENSIONS as readonly string[]).includes(extname(path)) || isForeign(path)) return path
  throw new PeerlessError(
    'INVALID_ARGUMENT',
    `'${basename(path)}' can't be deployed: a file ends in one of ${[...SOURCE_EXTENSIONS, ...FOREIGN_EXTENSIONS].join(' ')} or .zip`
  )
}

async function folderEntry(folder: string, handler: string | undefined, stem: string | undefined): Promise<string> {
  const main = stem === undefined || stem === 'index' ? await packageMain(folder) : undefined
  const candidates = main === undefined ? [] : [main]
  for (const one of stem === undefined ? ENTRY_STEMS : [stem]) {
    for (const extension of SOURCE_EXTENSIONS) candidates.push(join(folder, one + extension))
  }
  for (const candidate of stem === undefined ? candidates : [...candidates.slice(main === undefined ? 0 : 1), ...candidates]) {
    if ((await stat(candidate).catch(() => undefined))?.isFile() === true) return candidate
  }
  const foreign = await foreignEntry(folder, handler)
  if (foreign !== undefined) return foreign
  throw new PeerlessError(
    'HANDLER_NOT_FOUND',
    handler === undefined
      ? `'${folder}' has no "main" in package.json and none of ${ENTRY_STEMS.join(' or ')} with ${SOURCE_EXTENSIONS.join(' ')}`
      : `handler '${handler}': no file '${stem}' with one of ${SOURCE_EXTENSIONS.join(' ')} in '${folder}'`
  )
}

async function packageMain(folder: string): Promise<string | undefined> {
  const path = join(folder, 'package.json')
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  let main: unknown
  try {
    main = (JSON.parse(text) as { main?: unknown } | null)?.main
  } catch (error) {
    throw new PeerlessError('INVALID_SOURCE', `${path}: is not JSON: ${messageOf(error)}`, { cause: error })
  }
  return typeof main === 'string' && main !== '' ? join(folder, main) : undefined
}

interface Packed {
  code: string
  map: string
  /** undefined: CommonJS, known only when it runs. */
  exports: readonly string[] | undefined
  /** WebAssembly modules that it imports, by the names that its imports have now, and files that its packages may read. */
  assets: Record<string, Uint8Array>
}

/**
 * ES modules stay such, with their top-level await; CommonJS stays CommonJS, with its `require` of builtins. Most code names nothing that
 * is not there, and is spared the questions about it.
 */
async function compile(entry: string, folder: string, leave?: Leave): Promise<Packed> {
  try {
    const module = await bundle(entry, folder, 'esm', leave)
    if (!/\nexport default [\w$]+\(\);\n$/.test(module.code)) return module
    return { ...(await bundle(entry, folder, 'cjs', leave)), exports: undefined }
  } catch (error) {
    const messages = messagesOf(error)
    if (messages === undefined) throw error
    if (leave === undefined && messages.some(({ text }) => text.startsWith('Could not resolve'))) {
      return await compile(entry, folder, { computed: computedNowhere(messages, folder) })
    }
    throw sourceError(messages, (file) => file)
  }
}

/** What names something that is not there and is left to run time. */
interface Leave {
  /** Files of packages whose computed names fit no file at all: native builds that were never made, tried one after the other. */
  readonly computed: ReadonlySet<string>
}

function computedNowhere(messages: readonly Message[], folder: string): Set<string> {
  const files = messages.flatMap(({ text, location }) =>
    location !== null && /^Could not resolve (?:require|import)\(".*\*/.test(text) ? [resolve(folder, location.file)] : []
  )
  return new Set(files.filter((file) => IN_PACKAGE.test(file.replaceAll(sep, '/'))))
}

async function bundle(entry: string, folder: string, format: 'esm' | 'cjs', leave: Leave | undefined): Promise<Packed> {
  const read = new Map<string, string>()
  const options = {
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    outfile: join(folder, 'index.js'),
    format,
    platform: 'node',
    target: 'node24',
    charset: 'utf8',
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: false,
    // Stays an import of a file, which comes along; the node compiles it.
    loader: { '.wasm': 'copy' },
    plugins: [
      builtinsOfNode(format),
      noNativeCode(),
      ...(leave === undefined ? [] : [absentPackages()]),
      modulePlaces(folder, read, leave?.computed)
    ],
    logLevel: 'silent'
  } as const satisfies BuildOptions
  const { outputFiles, metafile } = await build(options)
  const compiled = outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? ''
  const text = await keepClassNames(compiled, async () => {
    const named = await build({ ...options, keepNames: true })
    return named.outputFiles.find(({ path }) => path.endsWith('.js'))?.text ?? ''
  })
  const map = outputFiles.find(({ path }) => path.endsWith('.map'))?.text ?? ''
  const output = Object.values(metafile.outputs).find((one) => one.entryPoint !== undefined)
  const assets: Record<string, Uint8Array> = {}
  for (const { path, contents } of outputFiles) if (path.endsWith('.wasm')) assets[basename(path)] = contents
  await addReadFiles(assets, read)
  return { code: text, map, exports: output?.exports ?? [], assets }
}

/** As far as there is room for them where the function runs. */
async function addReadFiles(assets: Record<string, Uint8Array>, read: ReadonlyMap<string, string>): Promise<void> {
  let room = FILES_BYTES_MAX
  for (const [name, path] of read) {
    const { size } = await stat(path)
    // What is packed is called so, and stands for it.
    if (size > room || /^index\.\w+$/.test(name)) continue
    assets[name] = await readFile(path)
    room -= size
  }
}

function chooseExport(entry: string, wanted: string | undefined, packed: Packed): string {
  const name = wanted ?? 'handler'
  if (packed.exports === undefined || packed.exports.includes(name)) return name
  if (packed.exports.includes('default')) return 'default'
  throw new PeerlessError('HANDLER_NOT_FOUND', `'${entry}' has no export '${name}'; it exports ${listed(packed.exports)}`)
}
