import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { extname, relative, sep } from 'node:path'
import { BUILTINS_ABSENT } from '@peerless/interface'
import type { Loader, OnResolveArgs, OnResolveResult, Plugin } from 'esbuild'
import { absentForPackage, IN_PACKAGE } from './absent-builtin.ts'
import { isBundled } from './bundled-file.ts'
import { renameComputedCalls } from './call-sites.ts'
import { requiredByBundler } from './created-require.ts'
import { placed, placeInTask } from './module-place.ts'

const ABSENT = new Set(BUILTINS_ABSENT)
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
      if (kind !== 'import-statement' && /\btry\b|\.catch\(/.test(text)) return { path: name, namespace: 'builtin' }
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

/**
 * Each module's own `__dirname` and `import.meta.url`, as if the folder lay where functions run.
 * @param computed files whose computed names are asked for at run time, instead of searched for on the disk
 */
export function modulePlaces(folder: string, computed: ReadonlySet<string> = new Set()): Plugin {
  return {
    name: 'module-places',
    setup: (build) => {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: 'file' }, async ({ path }) => {
        const text = await readFile(path, 'utf8')
        const loader = LOADERS[extname(path)] ?? 'js'
        const asked = computed.has(path) ? await renameComputedCalls(text, loader, path) : text
        const changed = placed(requiredByBundler(asked), placeInTask(nameOf(path, folder)))
        return changed === text ? undefined : { contents: changed, loader }
      })
    }
  }
}

/** Packages may lie above the folder: then they count as its own. */
function nameOf(path: string, folder: string): string {
  const name = relative(folder, path).replaceAll(sep, '/')
  return name.startsWith('../') ? name.replace(/^.*?(node_modules\/|[^/]+$)/, '$1') : name
}
