/** Members of web classes are enumerable, those of plain JavaScript classes are not. */
export function enumerable(...classes: { prototype: object }[]): void {
  for (const target of classes) {
    for (const key of Object.getOwnPropertyNames(target.prototype)) {
      if (key === 'constructor') continue
      const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key) as PropertyDescriptor
      if (descriptor.configurable === true) Object.defineProperty(target.prototype, key, { ...descriptor, enumerable: true })
    }
  }
}
