const tagOf = Object.prototype.toString
const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get

/** node:util/types as far as JavaScript can tell without V8's help: a forged Symbol.toStringTag fools those marked as tags. */
const isTag =
  (tag: string) =>
  (value: unknown): boolean =>
    typeof value === 'object' && value !== null && tagOf.call(value) === `[object ${tag}]`
const isFunctionTag =
  (tag: string) =>
  (value: unknown): boolean =>
    typeof value === 'function' && tagOf.call(value) === `[object ${tag}]`
const isTyped =
  (name: string) =>
  (value: unknown): boolean =>
    ArrayBuffer.isView(value) && typedArrayTag?.call(value) === name

export const isDate = (value: unknown): value is Date => value instanceof Date
export const isRegExp = (value: unknown): value is RegExp => value instanceof RegExp
export const isMap = (value: unknown): value is Map<unknown, unknown> => value instanceof Map
export const isSet = (value: unknown): value is Set<unknown> => value instanceof Set
export const isWeakMap = (value: unknown): boolean => value instanceof WeakMap
export const isWeakSet = (value: unknown): boolean => value instanceof WeakSet
export const isPromise = (value: unknown): boolean => value instanceof Promise
export const isNativeError = (value: unknown): boolean => value instanceof Error
export const isArrayBuffer = (value: unknown): boolean => value instanceof ArrayBuffer
export const isAnyArrayBuffer = (value: unknown): boolean => isArrayBuffer(value)
export const isSharedArrayBuffer = (): boolean => false
export const isDataView = (value: unknown): boolean => ArrayBuffer.isView(value) && !isTypedArray(value)
export const isArrayBufferView = (value: unknown): boolean => ArrayBuffer.isView(value)
export const isTypedArray = (value: unknown): boolean => ArrayBuffer.isView(value) && typedArrayTag?.call(value) !== undefined
export const isUint8Array = isTyped('Uint8Array')
export const isUint8ClampedArray = isTyped('Uint8ClampedArray')
export const isUint16Array = isTyped('Uint16Array')
export const isUint32Array = isTyped('Uint32Array')
export const isInt8Array = isTyped('Int8Array')
export const isInt16Array = isTyped('Int16Array')
export const isInt32Array = isTyped('Int32Array')
export const isFloat32Array = isTyped('Float32Array')
export const isFloat64Array = isTyped('Float64Array')
export const isBigInt64Array = isTyped('BigInt64Array')
export const isBigUint64Array = isTyped('BigUint64Array')
export const isArgumentsObject = isTag('Arguments')
export const isAsyncFunction = isFunctionTag('AsyncFunction')
export const isGeneratorFunction = (value: unknown): boolean =>
  isFunctionTag('GeneratorFunction')(value) || isFunctionTag('AsyncGeneratorFunction')(value)
export const isGeneratorObject = isTag('Generator')
export const isMapIterator = isTag('Map Iterator')
export const isSetIterator = isTag('Set Iterator')
export const isNumberObject = (value: unknown): boolean => value instanceof Number
export const isStringObject = (value: unknown): boolean => value instanceof String
export const isBooleanObject = (value: unknown): boolean => value instanceof Boolean
export const isBigIntObject = isTag('BigInt')
export const isSymbolObject = isTag('Symbol')
export const isBoxedPrimitive = (value: unknown): boolean =>
  isNumberObject(value) || isStringObject(value) || isBooleanObject(value) || isBigIntObject(value) || isSymbolObject(value)
/** Nobody can tell from inside. */
export const isProxy = (): boolean => false
export const isExternal = (): boolean => false
export const isKeyObject = (): boolean => false
export const isCryptoKey = (): boolean => false
export const isModuleNamespaceObject = isTag('Module')
