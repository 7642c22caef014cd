import { core } from './core.guest.ts'

type Run = (...values: unknown[]) => unknown

let resources = 1

/** AsyncResource over the current context frame; ids are numbers that nobody else uses. */
export function makeAsyncHooks(load: (id: string) => unknown): Record<string, unknown> {
  const { validateFunction, validateString } = load('internal/validators') as Record<
    string,
    (value: unknown, name: string) => void
  >

  class AsyncResource {
    readonly #frame: unknown
    readonly #id = ++resources
    readonly type: string

    constructor(type: string) {
      validateString?.(type, 'type')
      this.type = type
      this.#frame = core.context.get()
    }

    runInAsyncScope(run: Run, self?: unknown, ...values: unknown[]): unknown {
      const before = core.context.get()
      core.context.set(this.#frame)
      try {
        return Reflect.apply(run, self, values)
      } finally {
        core.context.set(before)
      }
    }

    bind(run: Run, self?: unknown): Run {
      validateFunction?.(run, 'fn')
      const resource = this
      const bound = function (this: unknown, ...values: unknown[]): unknown {
        return resource.runInAsyncScope(run, self === undefined ? this : self, ...values)
      }
      Object.defineProperty(bound, 'length', { value: run.length, configurable: true, enumerable: false, writable: false })
      return bound
    }

    static bind(run: Run, type?: string, self?: unknown): Run {
      return new AsyncResource(type ?? (run.name !== '' ? run.name : 'bound-anonymous-fn')).bind(run, self)
    }

    emitDestroy(): this {
      return this
    }

    asyncId(): number {
      return this.#id
    }

    triggerAsyncId(): number {
      return 0
    }
  }

  return {
    get AsyncLocalStorage() {
      core.context.follow()
      return load('internal/async_local_storage/async_context_frame')
    },
    AsyncResource,
    // Hooks are never called: there is nothing of the kind to look at.
    createHook: () => {
      const hook = { enable: () => hook, disable: () => hook }
      return hook
    },
    executionAsyncId: () => 1,
    triggerAsyncId: () => 0,
    executionAsyncResource: () => ({}),
    asyncWrapProviders: Object.freeze({ __proto__: null, NONE: 0 })
  }
}

/** lib/internal/async_hooks, as much of it as streams and servers touch. */
export const internalAsyncHooks = {
  symbols: {
    async_id_symbol: Symbol('asyncId'),
    trigger_async_id_symbol: Symbol('triggerAsyncId'),
    owner_symbol: Symbol('owner'),
    resource_symbol: Symbol('resource')
  },
  enabledHooksExist: () => false,
  initHooksExist: () => false,
  afterHooksExist: () => false,
  destroyHooksExist: () => false,
  newAsyncId: () => ++resources,
  getOrSetAsyncId: () => 1,
  getDefaultTriggerAsyncId: () => 0,
  executionAsyncId: () => 1,
  emitInit: () => undefined,
  emitBefore: () => undefined,
  emitAfter: () => undefined,
  emitDestroy: () => undefined,
  defaultTriggerAsyncIdScope: (_id: number, run: Run, ...values: unknown[]) => Reflect.apply(run, undefined, values)
}
