import { sep } from 'node:path'
import type { ImportKind, Plugin } from 'esbuild'
import { IN_PACKAGE } from './absent-builtin.ts'

/**
 * Whether a name that leads nowhere fails where it is asked for, as in Node, instead of at deployment. Packages name others that one
 * installs only for what one does with them (drivers of knex, transports of Nest), often in a function whose caller catches. In the
 * author's own file it is a mistake, and an `import` statement would fail as soon as the file is loaded.
 */
export function isLeftToRunTime(kind: ImportKind, importer: string): boolean {
  return (kind === 'require-call' || kind === 'dynamic-import') && IN_PACKAGE.test(importer)
}

/** What esbuild asks of the plugin, once more, when the plugin asks esbuild. */
const ASKED = 'asked'

/** On the author's disk, where esbuild itself resolves: it is asked for each such name first. What it does not find becomes a call of the hook, as builtins do. */
export function absentPackages(): Plugin {
  return {
    name: 'absent-packages',
    setup: (build) => {
      build.onResolve({ filter: /.*/ }, async ({ path, kind, importer, namespace, resolveDir, pluginData }) => {
        if (pluginData === ASKED || !isLeftToRunTime(kind, importer.replaceAll(sep, '/'))) return undefined
        const { errors } = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED })
        return errors.length === 0 ? undefined : { path, namespace: 'builtin' }
      })
    }
  }
}
