/** Which built-in kind a value is, by asking methods that only work on that kind; a forged Symbol.toStringTag does not help. */
type Check = (value: unknown) => boolean

const has = (prototype: object, name: PropertyKey, ...values: unknown[]): Check => {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name)
  const method = (descriptor?.get ?? descriptor?.value) as (this: unknown, ...values: unknown[]) => unknown
  return (value) => {
    if (typeof value !== 'object' || value === null) return false
    try {
      Reflect.apply(method, value, values)
      return true
    } catch {
      // It is not of that kind: that is the answer.
      return false
    }
  }
}

const tagOf = Object.prototype.toString
const tagged =
  (...tags: string[]): Check =>
  (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
    return tags.includes(tagOf.call(value).slice(8, -1))
  }

const key = {}
const isNumberObject = has(Number.prototype, 'valueOf')
const isStringObject = has(String.prototype, 'valueOf')
const isBooleanObject = has(Boolean.prototype, 'valueOf')
const isSymbolObject = has(Symbol.prototype, 'valueOf')
const isBigIntObject = has(BigInt.prototype, 'valueOf')
const isArrayBuffer = has(ArrayBuffer.prototype, 'byteLength')
const regExp = has(RegExp.prototype, 'source')
const no: Check = () => false
const isError = (Error as { isError?: Check }).isError

export const bindingTypes: Record<string, Check> = {
  isExternal: no,
  isDate: has(Date.prototype, 'getTime'),
  isArgumentsObject: (value) => tagOf.call(value) === '[object Arguments]' && !Object.hasOwn(value as object, Symbol.toStringTag),
  isBigIntObject,
  isBooleanObject,
  isNumberObject,
  isStringObject,
  isSymbolObject,
  isBoxedPrimitive: (value) =>
    isNumberObject(value) || isStringObject(value) || isBooleanObject(value) || isBigIntObject(value) || isSymbolObject(value),
  isNativeError: isError ?? ((value) => value instanceof Error),
  isRegExp: (value) => value !== RegExp.prototype && regExp(value),
  isAsyncFunction: tagged('AsyncFunction', 'AsyncGeneratorFunction'),
  isGeneratorFunction: tagged('GeneratorFunction', 'AsyncGeneratorFunction'),
  isGeneratorObject: tagged('Generator', 'AsyncGenerator'),
  isPromise: (value) => value instanceof Promise,
  isMap: has(Map.prototype, 'size'),
  isSet: has(Set.prototype, 'size'),
  isMapIterator: tagged('Map Iterator'),
  isSetIterator: tagged('Set Iterator'),
  isWeakMap: has(WeakMap.prototype, 'has', key),
  isWeakSet: has(WeakSet.prototype, 'has', key),
  isArrayBuffer,
  isDataView: has(DataView.prototype, 'byteLength'),
  isSharedArrayBuffer: no,
  // Nobody can tell from inside.
  isProxy: no,
  isModuleNamespaceObject: (value) => tagged('Module')(value),
  isAnyArrayBuffer: isArrayBuffer,
  isEventTarget: (value) => value instanceof EventTarget
}
