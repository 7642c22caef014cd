import { opendir, readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { dirname, extname, join, relative, sep } from 'node:path'
import { BUILTINS_ABSENT } from '@peerless/interface'
import type { Loader, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild'
import { absentForPackage, IN_PACKAGE } from './absent-builtin.ts'
import { isBundled } from './bundled-file.ts'
import { renameComputedCalls } from './call-sites.ts'
import { requiredByBundler } from './created-require.ts'
import { placed, placeInTask } from './module-place.ts'
import { isNative, nativeText, packageFolder } from './native-package.ts'
import { codeReadBy, filesReadBy, isPackageData, mayRead, type PackageData, packageData } from './package-files.ts'
import { withPlaces } from './resolve-calls.ts'
import type { PackageJson } from './zip-tree.ts'

const ABSENT = new Set(BUILTINS_ABSENT)
/** Whether a file catches anything: perhaps what it asks for and does not find. */
const GUARDED = /\btry\b|\.catch\(/
const LOADERS: Readonly<Record<string, Loader>> = { '.ts': 'ts', '.mts': 'ts', '.cts': 'ts', '.tsx': 'tsx', '.jsx': 'jsx' }

/**
 * `require('fs')` of CommonJS inside an ES module is for esbuild only a call with a computed name, which the node could not see any more: so
 * it becomes the guest's own hook already here. And what functions do not have is told at the place in the author's own file.
 */
export function builtinsOfNode(format: 'esm' | 'cjs'): Plugin {
  const resolve = async (args: OnResolveArgs): Promise<OnResolveResult | undefined> => {
    const { path, kind, importer } = args
    if (!isBuiltin(path)) return undefined
    const name = path.replace(/^node:/, '')
    if (ABSENT.has(name)) {
      const text = await readFile(importer, 'utf8')
      const absent = absentForPackage(path, IN_PACKAGE.test(importer.replaceAll(sep, '/')) || isBundled(text))
      if (absent !== undefined) return { path: absent, namespace: 'builtin' }
      // A guarded one fails where it is caught.
      if (kind !== 'import-statement' && GUARDED.test(text)) return { path: name, namespace: 'builtin' }
      return { errors: [{ text: `module 'node:${name}' does not exist inside functions` }] }
    }
    return format === 'esm' && kind === 'require-call' ? { path: name, namespace: 'builtin' } : undefined
  }
  return {
    name: 'builtins-of-node',
    setup: (build) => {
      build.onResolve({ filter: /^(?:node:)?[a-z_0-9/]+$/ }, resolve)
      build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
        contents: `module.exports = __peerlessRequire(${JSON.stringify(path)})`,
        loader: 'js'
      }))
    }
  }
}

/** What the author imports and is machine code fails with its name; what a package requires of it is not found, and a package may know something else then. */
export function noNativeCode(): Plugin {
  const asked = 'asked-for-native'
  return {
    name: 'no-native-code',
    setup: (build) => {
      build.onResolve({ filter: /^[^./]|\.node$/ }, async ({ path, kind, importer, namespace, resolveDir, pluginData }) => {
        if (namespace !== 'file' || pluginData !== undefined || isBuiltin(path)) return undefined
        const ofPackage = IN_PACKAGE.test(importer.replaceAll(sep, '/'))
        if (kind === 'entry-point' || kind === 'require-resolve' || (ofPackage && !path.endsWith('.node'))) return undefined
        const { errors, path: found } = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: asked })
        if (errors.length > 0) return undefined
        // A name that ends so may be that of a file which ends in .js.
        const leads = found.endsWith('.node')
        if (ofPackage) return leads ? { path, namespace: 'builtin' } : undefined
        if (!(leads || (await isOfNativePackage(found)))) return undefined
        if (kind !== 'import-statement' && GUARDED.test(await readFile(importer, 'utf8'))) return { path, namespace: 'builtin' }
        return { errors: [{ text: nativeText(path) }] }
      })
    }
  }
}

async function isOfNativePackage(file: string): Promise<boolean> {
  const folder = packageFolder(file.replaceAll(sep, '/'))
  const text = folder === undefined ? undefined : await readFile(`${folder}/package.json`, 'utf8').catch(() => undefined)
  if (text === undefined) return false
  try {
    const json: unknown = JSON.parse(text)
    return typeof json === 'object' && json !== null && isNative(json as PackageJson)
  } catch {
    // Then it tells of nothing, and esbuild says what is wrong with it.
    return false
  }
}

/**
 * Each module's own `__dirname` and `import.meta.url`, as if the folder lay where functions run.
 * @param found takes the files that packages may read: by the name that they have then, where they are now
 * @param computed files whose computed names are asked for at run time, instead of searched for on the disk
 */
export function modulePlaces(folder: string, found: Map<string, string>, computed: ReadonlySet<string> = new Set()): Plugin {
  const listed = new Map<string, Promise<PackageData>>()
  return {
    name: 'module-places',
    setup: (build) => {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        const slashed = path.replaceAll(sep, '/')
        const packed = packageFolder(slashed)
        if (packed !== undefined && mayRead(text)) {
          if (!listed.has(packed)) listed.set(packed, dataIn(packed))
          const data = await listed.get(packed)
          for (const file of data === undefined ? [] : filesReadBy(slashed, text, () => data))
            found.set(nameOf(file, folder), file)
        } else if (packed === undefined && codeReadBy(slashed, text, () => true).length > 0)
          found.set(nameOf(slashed, folder), path)
        const loader = LOADERS[extname(path)] ?? 'js'
        const asked = computed.has(path) ? await renameComputedCalls(text, loader, path) : text
        const placeOf = async (name: string): Promise<string | undefined> => {
          if (isBuiltin(name)) return undefined
          const resolved = await build.resolve(name, { kind: 'require-resolve', importer: path, resolveDir: dirname(path) })
          if (resolved.errors.length > 0 || resolved.external) return undefined
          const file = resolved.path.replaceAll(sep, '/')
          if (isPackageData(file)) found.set(nameOf(file, folder), file)
          return placeInTask(nameOf(file, folder))
        }
        const changed = placed(await withPlaces(requiredByBundler(asked), placeOf), placeInTask(nameOf(path, folder)))
        return changed === text ? undefined : { contents: changed, loader }
      })
    }
  }
}

/** What a package on the disk has besides code, without the packages in it. */
async function dataIn(packed: string): Promise<PackageData> {
  const files: string[] = []
  for await (const entry of await opendir(packed, { recursive: true })) {
    if (entry.isFile()) files.push(join(entry.parentPath, entry.name).replaceAll(sep, '/'))
  }
  return packageData(files)(packed)
}

/** Packages may lie above the folder: then they count as its own. */
function nameOf(path: string, folder: string): string {
  const name = relative(folder, path).replaceAll(sep, '/')
  return name.startsWith('../') ? name.replace(/^.*?(node_modules\/|[^/]+$)/, '$1') : name
}
