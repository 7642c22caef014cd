import type ivm from 'isolated-vm'

/** Loads the addon by its path: the package's own loader would look for it in folders that an executor may not read. */
export function loadAddon(path: string): typeof ivm {
  const module: { exports: { ivm?: typeof ivm } } = { exports: {} }
  process.dlopen(module, path)
  if (module.exports.ivm === undefined) throw new Error('the addon is not isolated-vm')
  return module.exports.ivm
}
