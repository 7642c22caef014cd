import { messageOf } from '@peerless/interface'
import type { Loader, OnLoadArgs, OnLoadResult, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild'
import { absentForPackage, IN_PACKAGE } from './absent-builtin.ts'
import { AWS_SDK, isLeftToRunTime } from './absent-package.ts'
import { isBundled } from './bundled-file.ts'
import { renameComputedCalls, SourceMessages } from './call-sites.ts'
import { requiredByBundler } from './created-require.ts'
import { wasmImport } from './foreign-bundle.ts'
import { placed, placeInTask } from './module-place.ts'
import { isNative, nativeText, packageFolder } from './native-package.ts'
import { codeReadBy, filesReadBy, isPackageData, type PackageData, packageData } from './package-files.ts'
import { withPlaces } from './resolve-calls.ts'
import { settleSourceMapComment } from './source-map-comment.ts'
import type { ResolvedFile, ZipResolver } from './zip-resolver.ts'
import type { ZipTree } from './zip-tree.ts'

/** Namespaces of esbuild paths. None is `file`, which is the disk. */
const ZIP_NAMESPACE = 'zip'
const BUILTIN_NAMESPACE = 'builtin'

/**
 * esbuild derives a module's kind (ES module or CommonJS, which decides what a default import of CommonJS is) from the path's
 * ending and, on disk only, from package.json. So a file of a `"type": "module"` package gets an ending that says it.
 */
const MODULE_ENDINGS: Readonly<Record<string, string>> = { '.js': '#.mjs', '.jsx': '#.mjs', '.ts': '#.mts', '.tsx': '#.mts' }

const LOADERS: Readonly<Record<string, Loader>> = {
  '': 'js',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.json': 'json',
  '.txt': 'text'
}
const ATTRIBUTE_LOADERS: ReadonlyMap<string, Loader> = new Map([
  ['json', 'json'],
  ['text', 'text'],
  ['bytes', 'binary']
])

export interface ZipPluginOptions {
  tree: ZipTree
  resolver: ZipResolver
  /** The file with the handler. */
  entry: ResolvedFile
  /** Names without `node:`. */
  builtinsSupported: ReadonlySet<string>
  /** Takes the names of native packages that are not resolved. */
  native: Set<string>
  /** Takes what the code reads at run time: WebAssembly modules that it imports. */
  files: Map<string, Uint8Array>
  /** Takes the files that code may read, beside those that come along anyway. */
  read: Set<string>
}

/**
 * All that esbuild sees: the zip's files from memory, and builtins as one-line modules that ask the guest's hook. It is given no
 * folder to resolve in, so what this plugin does not find is not looked for anywhere else.
 */
export function zipPlugin(options: ZipPluginOptions): Plugin {
  const paths = new Map<string, string>()
  /** Files of the author's that a bundler made, once they are read: before anything is resolved for them. */
  const bundled = new Set<string>()
  const dataOf = packageData(options.tree.names())
  const found = (file: ResolvedFile): OnResolveResult => {
    const path = file.path + (file.esm ? (MODULE_ENDINGS[extensionOf(file.path)] ?? '') : '')
    paths.set(path, file.path)
    return { path, namespace: ZIP_NAMESPACE, ...(file.pure ? { sideEffects: false } : {}) }
  }
  const resolve = async (args: OnResolveArgs): Promise<OnResolveResult | undefined> => {
    if (args.kind === 'entry-point') return found(options.entry)
    if (args.kind === 'require-resolve') return undefined
    const name = args.path.replace(/^node:/, '')
    if (options.builtinsSupported.has(name)) return { path: name, namespace: BUILTIN_NAMESPACE }
    const importer = paths.get(args.importer) ?? ''
    const ofPackage = IN_PACKAGE.test(importer) || bundled.has(importer)
    const absent = absentForPackage(args.path, ofPackage)
    if (absent !== undefined) return { path: absent, namespace: BUILTIN_NAMESPACE }
    // Unguarded, esbuild reports it as not found; guarded by try or catch, it stays a call of the hook, which throws.
    if (args.path.startsWith('node:')) return undefined
    if (/^(?:\/\/|[a-z][a-z0-9+.-]*:)/i.test(args.path)) {
      return {
        errors: [{ text: `'${args.path.slice(0, 100)}': only relative paths, packages and node: modules can be imported` }]
      }
    }
    const file = await options.resolver.resolve(args.path, importer, args.kind === 'require-call')
    // A package that has its reasons falls back on something else, which it does when it finds nothing.
    if (file?.path.endsWith('.node') === true && isLeftToRunTime(args.kind, ofPackage)) {
      return { path: args.path, namespace: BUILTIN_NAMESPACE }
    }
    if (file !== undefined && !IN_PACKAGE.test(importer) && (await isNativePackage(file.path, options.tree))) {
      if (args.kind === 'import-statement') return { errors: [{ text: nativeText(args.path) }] }
      options.native.add(args.path)
      return undefined
    }
    if (file !== undefined) return found(file)
    if (bundled.has(importer) && AWS_SDK.test(args.path)) return undefined
    return isLeftToRunTime(args.kind, ofPackage) ? { path: args.path, namespace: BUILTIN_NAMESPACE } : undefined
  }
  const load = async (args: OnLoadArgs): Promise<OnLoadResult> => {
    if (args.namespace === BUILTIN_NAMESPACE) {
      return { contents: `module.exports = __peerlessRequire(${JSON.stringify(args.path)})`, loader: 'js' }
    }
    const path = args.namespace === ZIP_NAMESPACE ? paths.get(args.path) : undefined
    // Not reached as long as the two guards above hold (call-sites, source maps): nothing is ever read from the disk.
    if (path === undefined) return { errors: [{ text: 'a file outside the zip was asked for' }] }
    return await loadFile(path, args.with.type, options, { bundled, dataOf })
  }
  return {
    name: 'zip',
    setup: (build) => {
      build.onResolve({ filter: /.*/ }, (args) => reported(() => resolve(args)))
      build.onLoad({ filter: /.*/ }, (args) => reported(() => load(args)))
    }
  }
}

interface Known {
  bundled: Set<string>
  /** What packages have besides code, by their folder. */
  dataOf: (folder: string) => PackageData
}

async function isNativePackage(path: string, tree: ZipTree): Promise<boolean> {
  const folder = packageFolder(path)
  const json = folder === undefined ? undefined : await tree.packageJson(folder)
  return json !== undefined && isNative(json)
}

async function loadFile(
  path: string,
  attribute: string | undefined,
  { tree, resolver, files, read }: ZipPluginOptions,
  { bundled, dataOf }: Known
): Promise<OnLoadResult> {
  if (attribute === undefined && extensionOf(path) === '.wasm') {
    files.set(path, await tree.bytes(path))
    return { contents: wasmImport(path), loader: 'js' }
  }
  const loader = attribute === undefined ? LOADERS[extensionOf(path)] : ATTRIBUTE_LOADERS.get(attribute)
  if (loader === undefined) {
    if (path.endsWith('.node')) return { errors: [{ text: nativeText(path) }] }
    const what =
      attribute === undefined ? `files ending in '${extensionOf(path)}' are` : `the attribute type '${attribute.slice(0, 50)}' is`
    return { errors: [{ text: `'${path}' can't be imported: ${what} not understood` }] }
  }
  if (loader === 'binary' || loader === 'text' || loader === 'json') return { contents: await tree.bytes(path), loader }
  const written = await tree.text(path)
  if (!IN_PACKAGE.test(path) && isBundled(written)) bundled.add(path)
  for (const name of filesReadBy(path, written, dataOf)) read.add(name)
  // Of an index.ts that was packed there is the index.mjs.
  for (const name of codeReadBy(path, written, (one) => tree.isFile(one) || stemOf(one) === stemOf(path))) {
    if (tree.isFile(name)) read.add(name)
    else files.set(name, await tree.bytes(path))
  }
  const text = await settleSourceMapComment(written, path, tree)
  const placeOf = async (name: string): Promise<string | undefined> => {
    const found = (await resolver.resolve(name, path, true))?.path
    if (found === undefined) return undefined
    if (isPackageData(found)) read.add(found)
    return placeInTask(found)
  }
  try {
    const asked = await withPlaces(requiredByBundler(text), placeOf)
    return { contents: placed(await renameComputedCalls(asked, loader, path), placeInTask(path)), loader }
  } catch (error) {
    if (!(error instanceof SourceMessages)) throw error
    return { errors: error.messages.map(({ text, location }) => ({ text, location: location && { ...location, file: path } })) }
  }
}

/** A failure of ours as a message that esbuild gives the importing line. */
async function reported<Result extends OnResolveResult | OnLoadResult | undefined>(
  run: () => Promise<Result>
): Promise<Result | { errors: { text: string }[] }> {
  try {
    return await run()
  } catch (error) {
    return { errors: [{ text: messageOf(error) }] }
  }
}

/** The zip's own name of a path as esbuild writes it in messages, metafiles and source maps. */
export function nameInZip(path: string): string {
  return path.replace(/^zip:/, '').replace(/#\.m[jt]s$/, '')
}

function stemOf(path: string): string {
  return path.slice(0, path.length - extensionOf(path).length)
}

function extensionOf(path: string): string {
  return /\.[^./]+$/.exec(path)?.[0] ?? ''
}
