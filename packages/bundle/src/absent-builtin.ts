import { isBuiltin } from 'node:module'
import { BUILTINS_ABSENT } from '@peerless/interface'

const ABSENT = new Set(BUILTINS_ABSENT)
/** Paths of packages, the author's machine's and those of zips. */
export const IN_PACKAGE = /(?:^|[/:])node_modules\//

/**
 * The hook's name of a module of Node that functions do not have, where a package imports it: many carry such imports for what they do
 * elsewhere, so it fails when it is used. In the author's own file it is left unresolved, which fails the deployment.
 * @param ofPackage whether what imports it is a package's code
 */
export function absentForPackage(specifier: string, ofPackage: boolean): string | undefined {
  const name = specifier.replace(/^node:/, '')
  if (!ofPackage || !ABSENT.has(name) || !isBuiltin(specifier)) return undefined
  return `absent:${name}`
}
