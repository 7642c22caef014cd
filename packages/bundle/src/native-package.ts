import type { PackageJson } from './zip-tree.ts'

/** What builds or finds the machine code of a package: who cannot do without one of these has some. */
const BUILDERS = [
  'bindings',
  'nan',
  'node-addon-api',
  'node-gyp-build',
  'node-pre-gyp',
  '@mapbox/node-pre-gyp',
  'prebuild-install'
]
/** Packages of machine code for one system each, of which npm installs the one that fits: `@img/sharp-linux-x64`. */
const FOR_ONE_SYSTEM = /-(?:linux|darwin|win32)-(?:x64|arm64)(?:-|$)/
const PACKAGE_FOLDER = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/** The folder of the package that a file lies in; undefined for the author's own. Slashes lean forward. */
export function packageFolder(file: string): string | undefined {
  return PACKAGE_FOLDER.exec(file)?.[0]
}

/** Whether package.json tells of machine code that the package does not work without. */
export function isNative(json: PackageJson): boolean {
  return (
    BUILDERS.some((name) => Object.hasOwn(members(json.dependencies), name)) ||
    Object.keys(members(json.optionalDependencies)).some((name) => FOR_ONE_SYSTEM.test(name))
  )
}

/** Of a file or package that the author imports. */
export function nativeText(what: string): string {
  return `'${what}' is machine code, which functions can't load: take a package that is JavaScript or WebAssembly`
}

function members(alleged: unknown): object {
  return typeof alleged === 'object' && alleged !== null ? alleged : {}
}
