import { define } from './intrinsics.guest.ts'

/**
 * Takes away what lets guest code hold memory that the isolate's limit does not count, or stop its thread: shared memory, WebAssembly,
 * and array buffers that grow (tried on isolated-vm 7.0.1: 1.1 to 2.0 GB resident under a limit of 64 MB).
 */
export function harden(): void {
  const globals = globalThis as Record<string, unknown>
  delete globals.SharedArrayBuffer
  delete globals.Atomics
  delete globals.WebAssembly
  const Intrinsic = ArrayBuffer
  const construct = Reflect.construct
  const guarded: ArrayBufferConstructor = new Proxy(Intrinsic, {
    construct(target, [length, options], newTarget) {
      if (options?.maxByteLength !== undefined) throw new RangeError('resizable array buffers are not available')
      return construct(target, [length], newTarget === guarded ? target : newTarget)
    }
  })
  define(Intrinsic.prototype, 'constructor', guarded)
  define(globalThis, 'ArrayBuffer', guarded)
}
