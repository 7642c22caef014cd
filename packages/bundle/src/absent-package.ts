import { readFile } from 'node:fs/promises'
import { sep } from 'node:path'
import type { ImportKind, Plugin } from 'esbuild'
import { IN_PACKAGE } from './absent-builtin.ts'
import { isBundled } from './bundled-file.ts'

/**
 * Whether a name that leads nowhere fails where it is asked for, as in Node, instead of at deployment. Packages name others that one
 * installs only for what one does with them (drivers of knex, transports of Nest), often in a function whose caller catches. In the
 * author's own file it is a mistake, and an `import` statement would fail as soon as the file is loaded.
 * @param ofPackage whether what asks for it is a package's code
 */
export function isLeftToRunTime(kind: ImportKind, ofPackage: boolean): boolean {
  return ofPackage && (kind === 'require-call' || kind === 'dynamic-import')
}

/**
 * What Lambda's own Node runtimes come with, and bundlers leave out by default there (CDK's). It is asked for when a file is loaded, so that it is not there is better
 * said at deployment, unless the code catches it.
 */
export const AWS_SDK = /^(?:@aws-sdk\/|@smithy\/|aws-sdk(?:\/|$))/

/** What esbuild asks of the plugin, once more, when the plugin asks esbuild. */
const ASKED = 'asked'

/** On the author's disk, where esbuild itself resolves: it is asked for each such name first. What it does not find becomes a call of the hook, as builtins do. */
export function absentPackages(): Plugin {
  const bundled = new Map<string, Promise<boolean>>()
  const ofPackage = (importer: string, name: string): Promise<boolean> | boolean => {
    if (IN_PACKAGE.test(importer.replaceAll(sep, '/'))) return true
    if (AWS_SDK.test(name)) return false
    if (!bundled.has(importer)) bundled.set(importer, readFile(importer, 'utf8').then(isBundled))
    return bundled.get(importer) ?? false
  }
  return {
    name: 'absent-packages',
    setup: (build) => {
      build.onResolve({ filter: /.*/ }, async ({ path, kind, importer, namespace, resolveDir, pluginData }) => {
        if (pluginData === ASKED || namespace !== 'file' || !isLeftToRunTime(kind, true) || !(await ofPackage(importer, path)))
          return undefined
        const { errors } = await build.resolve(path, { kind, importer, namespace, resolveDir, pluginData: ASKED })
        return errors.length === 0 ? undefined : { path, namespace: 'builtin' }
      })
    }
  }
}
