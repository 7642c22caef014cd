import { BUILTINS_ABSENT } from '../../builtins.ts'
import { absentModule } from '../absent.guest.ts'
import { type Constants, makeBindings } from './bindings.guest.ts'
import { type Core, setCore } from './core.guest.ts'
import { ADDITIONS, OVERRIDES } from './overrides.guest.ts'

const ABSENT = new Set<string>(BUILTINS_ABSENT)

type Load = (id: string) => unknown
type Wrapped = (
  exports: unknown,
  load: Load,
  module: { exports: unknown },
  process: unknown,
  internalBinding: (name: string) => unknown,
  primordials: unknown
) => void

/**
 * The JavaScript side of Node's own modules, run inside the isolate: `modules` are their sources as the pinned Node carries them, each a
 * function; what they get from C++ is in `bindings`, what they must not bring along in `overrides`. Nothing of it is evaluated before it is required.
 * @returns `require` for the names that functions use
 */
export function start(
  core: Core,
  modules: Record<string, Wrapped>,
  makePrimordials: (
    exports: unknown,
    primordials: object,
    privateSymbols: object,
    perIsolateSymbols: object,
    globals: object
  ) => void,
  constants: Constants
): Load {
  setCore(core)
  const primordials = {}
  makePrimordials({}, primordials, {}, {}, globalsForPrimordials())
  const loaded = new Map<string, { exports: unknown }>()
  loaded.set('internal/bindings', { exports: constants.binding })
  const load: Load = (id) => {
    const known = loaded.get(id)
    if (known !== undefined) return known.exports
    const module = { exports: {} as unknown }
    loaded.set(id, module)
    try {
      const make = Object.hasOwn(OVERRIDES, id) ? OVERRIDES[id] : undefined
      if (make !== undefined) {
        module.exports = make(load)
        return module.exports
      }
      const run = Object.hasOwn(modules, id) ? modules[id] : undefined
      if (run === undefined && ABSENT.has(id)) {
        module.exports = absentModule(id, load)
        return module.exports
      }
      if (run === undefined) throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' })
      run(module.exports, load, module, process, internalBinding, primordials)
      ADDITIONS[id]?.(module.exports as Record<string, unknown>)
      return module.exports
    } catch (error) {
      loaded.delete(id)
      throw error
    }
  }
  const internalBinding = makeBindings(load, constants)
  ;(load('internal/util/debuglog') as { initializeDebugEnv(value: unknown): void }).initializeDebugEnv(process.env.NODE_DEBUG)
  return load
}

/** Node copies every intrinsic; those that functions do not have are stood in for by empty ones that nothing here uses. */
function globalsForPrimordials(): object {
  return new Proxy(globalThis, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name)
      return name === 'Atomics' ? {} : class Absent {}
    }
  })
}
