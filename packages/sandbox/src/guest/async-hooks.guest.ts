/**
 * AsyncLocalStorage without V8's help: one invocation runs at a time in an instance, so a store stays current from `run` until what it
 * returned has settled. Stores of two overlapping `run`s of one invocation can therefore be mixed up after an await.
 */
export class AsyncLocalStorage<Store> {
  #store: Store | undefined

  run<Result>(store: Store, run: (...values: unknown[]) => Result, ...values: unknown[]): Result {
    const before = this.#store
    this.#store = store
    const restore = () => {
      if (this.#store === store) this.#store = before
    }
    let result: Result
    try {
      result = run(...values)
    } catch (error) {
      restore()
      throw error
    }
    if (result instanceof Promise) result.then(restore, restore)
    else restore()
    return result
  }

  exit<Result>(run: (...values: unknown[]) => Result, ...values: unknown[]): Result {
    return this.run(undefined as Store, run, ...values)
  }

  enterWith(store: Store): void {
    this.#store = store
  }

  getStore(): Store | undefined {
    return this.#store
  }

  disable(): void {
    this.#store = undefined
  }

  static bind<Run extends (...values: never[]) => unknown>(run: Run): Run {
    return run
  }

  static snapshot(): (run: (...values: unknown[]) => unknown, ...values: unknown[]) => unknown {
    return (run, ...values) => run(...values)
  }
}

export class AsyncResource {
  readonly type: string

  constructor(type: string) {
    this.type = type
  }

  runInAsyncScope<Result>(run: (...values: unknown[]) => Result, self?: unknown, ...values: unknown[]): Result {
    return run.apply(self, values)
  }

  bind<Run>(run: Run): Run {
    return run
  }

  static bind<Run>(run: Run): Run {
    return run
  }

  emitDestroy(): this {
    return this
  }

  asyncId(): number {
    return 1
  }

  triggerAsyncId(): number {
    return 0
  }
}

export function createHook(): { enable(): unknown; disable(): unknown } {
  const hook = { enable: () => hook, disable: () => hook }
  return hook
}

export const executionAsyncId = (): number => 1
export const triggerAsyncId = (): number => 0
export const executionAsyncResource = (): object => ({})
