import { BUILTINS_ABSENT, BUILTINS_SUPPORTED } from '../../builtins.ts'
import { core } from './core.guest.ts'

const nothing = () => undefined
const EXTENSIONS = ['.js', '.json', '.node'] as const
const WRAPPER = ['(function (exports, require, module, __filename, __dirname) { ', '\n});']

const bare = (name: string) => name.replace(/^node:/, '')
const isBuiltin = (name: string) => BUILTINS_SUPPORTED.includes(bare(name))

/** Mostly it is packages, bundled into an ES module, that ask by `createRequire`: what functions do not have fails when they use it. */
function load(name: string): unknown {
  return core.builtin(BUILTINS_ABSENT.includes(bare(String(name))) ? `absent:${bare(name)}` : name)
}

function notFound(request: string): never {
  throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND', requireStack: [] })
}

function refused(): never {
  throw Object.assign(new Error('modules are bundled before they get inside functions: none is loaded from files'), {
    code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM'
  })
}

/**
 * `node:module`, which is its own class in Node. All code is in the bundle, so nothing is ever loaded by this one; but tracers and loaders of source maps
 * put themselves in its members, and find them.
 */
export function makeModule(): object {
  class Module {
    id: string
    path: string
    exports: object = {}
    filename: string | null = null
    loaded = false
    children: Module[] = []

    constructor(id = '', parent?: Module) {
      this.id = id
      this.path = id.includes('/') ? id.replace(/\/[^/]*$/, '') || '/' : '.'
      parent?.children.push(this)
    }

    require(request: string): unknown {
      return members._load(request, this, false)
    }

    load(): never {
      return refused()
    }

    _compile(): never {
      return refused()
    }
  }

  const createRequire = () =>
    Object.assign((name: string) => load(name), {
      resolve: (name: string) => name,
      cache: members._cache,
      extensions: members._extensions,
      main: undefined
    })

  const members = Object.assign(Module as typeof Module & Record<'_load', (name: string, ...more: unknown[]) => unknown>, {
    Module,
    builtinModules: BUILTINS_SUPPORTED,
    isBuiltin,
    createRequire,
    globalPaths: [],
    wrapper: WRAPPER,
    wrap: (script: string) => WRAPPER.join(script),
    constants: { compileCacheStatus: { FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 } },
    enableCompileCache: () => ({ status: 3 }),
    getCompileCacheDir: nothing,
    flushCompileCache: nothing,
    findSourceMap: nothing,
    getSourceMapsSupport: () => ({ enabled: false, nodeModules: false, generatedCode: false }),
    setSourceMapsSupport: nothing,
    findPackageJSON: nothing,
    register: nothing,
    registerHooks: () => ({ deregister: nothing }),
    syncBuiltinESMExports: nothing,
    _cache: Object.create(null) as object,
    _pathCache: Object.create(null) as object,
    _extensions: Object.assign(Object.create(null) as object, Object.fromEntries(EXTENSIONS.map((one) => [one, refused]))),
    _load: (name: string) => load(name),
    _resolveFilename: (name: string) => (isBuiltin(name) ? name : notFound(name)),
    _resolveLookupPaths: (name: string) => (isBuiltin(name) ? null : []),
    _findPath: () => false,
    _nodeModulePaths: (from: string) => {
      const parts = from.split('/').filter((part) => part !== '')
      const folders = parts.map((_, index) => parts.slice(0, parts.length - index)).filter((all) => all.at(-1) !== 'node_modules')
      return [...folders.map((all) => `/${all.join('/')}/node_modules`), '/node_modules']
    },
    _initPaths: nothing,
    _preloadModules: nothing
  })
  return members
}
