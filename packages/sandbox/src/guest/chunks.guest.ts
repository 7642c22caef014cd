import { ASK } from '../bridge-operations.ts'
import { ask } from './bridge.guest.ts'
import { evaluate } from './intrinsics.guest.ts'

/** Modules of the glue that its later parts use too. */
const SHARED: Record<string, () => unknown> = {
  bridge: () => require('./bridge.guest.ts'),
  chunks: () => ({ chunk, loadedChunk }),
  console: () => require('./console.guest.ts'),
  pause: () => require('./pause.guest.ts'),
  'event-target': () => require('./event-target.guest.ts'),
  encoding: () => require('./encoding.guest.ts'),
  inspect: () => require('./inspect.guest.ts'),
  intrinsics: () => require('./intrinsics.guest.ts'),
  jobs: () => require('./jobs.guest.ts'),
  url: () => require('./url.guest.ts'),
  random: () => require('./random.guest.ts'),
  idl: () => require('./idl.guest.ts'),
  'dom-exception': () => require('./dom-exception.guest.ts'),
  'structured-clone': () => require('./structured-clone.guest.ts')
}

const loaded = new Map<string, unknown>()

/**
 * A part of the glue that most functions never use: its source lies with the executor, and only an isolate that uses it pays for it, in
 * memory and in time. Modules of the glue and other chunks are its imports.
 */
export function chunk(name: string): unknown {
  if (loaded.has(name)) return loaded.get(name)
  const source = ask(ASK.CHUNK, name)
  if (typeof source !== 'string') throw new Error(`there is no part '${name}' of the runtime`)
  const make = evaluate(source) as (require: (name: string) => unknown) => unknown
  const module = make((wanted) => {
    const own = wanted.startsWith('./') ? undefined : SHARED[wanted]
    return own === undefined ? chunk(wanted.slice(2)) : own()
  })
  loaded.set(name, module)
  return module
}

/** The part, if this isolate has used it: what it makes cannot exist before. */
export function loadedChunk(name: string): unknown {
  return loaded.get(name)
}
