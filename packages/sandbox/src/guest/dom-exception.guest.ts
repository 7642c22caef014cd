/** Names with a number, as the standard has them; other names have 0. */
const CODES: Readonly<Record<string, number>> = {
  IndexSizeError: 1,
  HierarchyRequestError: 3,
  WrongDocumentError: 4,
  InvalidCharacterError: 5,
  NoModificationAllowedError: 7,
  NotFoundError: 8,
  NotSupportedError: 9,
  InUseAttributeError: 10,
  InvalidStateError: 11,
  SyntaxError: 12,
  InvalidModificationError: 13,
  NamespaceError: 14,
  InvalidAccessError: 15,
  TypeMismatchError: 17,
  SecurityError: 18,
  NetworkError: 19,
  AbortError: 20,
  URLMismatchError: 21,
  QuotaExceededError: 22,
  TimeoutError: 23,
  InvalidNodeTypeError: 24,
  DataCloneError: 25
}

export class DOMException extends Error {
  readonly #name: string

  constructor(message: unknown = '', options: unknown = 'Error') {
    const { name = 'Error', cause } = (
      typeof options === 'object' && options !== null ? options : { name: options ?? 'Error' }
    ) as { name?: unknown; cause?: unknown }
    super(String(message), typeof options === 'object' && options !== null && 'cause' in options ? { cause } : undefined)
    this.#name = String(name)
  }

  override get name(): string {
    return this.#name
  }

  get code(): number {
    return Object.hasOwn(CODES, this.#name) ? (CODES[this.#name] as number) : 0
  }

  get [Symbol.toStringTag](): string {
    return 'DOMException'
  }
}

for (const key of ['name', 'code']) {
  const descriptor = Object.getOwnPropertyDescriptor(DOMException.prototype, key) as PropertyDescriptor
  Object.defineProperty(DOMException.prototype, key, { ...descriptor, enumerable: true })
}

/** INDEX_SIZE_ERR and the others, on the class and its prototype; two of them that no name has any more. */
const LEGACY: Record<string, number> = { DOMSTRING_SIZE_ERR: 2, NO_DATA_ALLOWED_ERR: 6, VALIDATION_ERR: 16 }
for (const [name, code] of Object.entries(CODES)) {
  const base = name.replace(/Error$/, '').replace(/(URL|[a-z])([A-Z])/g, '$1_$2')
  LEGACY[`${base.toUpperCase()}_ERR`] = code
}
LEGACY.INUSE_ATTRIBUTE_ERR = 10
delete LEGACY.IN_USE_ATTRIBUTE_ERR
for (const [name, value] of Object.entries(LEGACY)) {
  for (const target of [DOMException, DOMException.prototype]) Object.defineProperty(target, name, { value, enumerable: true })
}
