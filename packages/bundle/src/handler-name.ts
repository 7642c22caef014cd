import { HANDLER, PeerlessError } from '@peerless/interface'
import { SOURCE_EXTENSIONS } from './zip-resolver.ts'
import type { ZipTree } from './zip-tree.ts'

/** Names of a zip that an error mentions. */
const NAMES_SHOWN_MAX = 5

export interface HandlerName {
  /** 'dir/file', without extension. */
  readonly stem: string
  readonly exportName: string
}

/**
 * 'dir/file.export', split at the first dot of the last segment as AWS's runtime does.
 * @throws INVALID_ARGUMENT, HANDLER_NOT_FOUND
 */
export function parseHandler(handler: string): HandlerName {
  if (!HANDLER.test(handler)) {
    throw new PeerlessError('INVALID_ARGUMENT', `handler '${handler.slice(0, 200)}' must have 1 to 128 characters and no space`)
  }
  const match = /^((?:[^/]*\/)*[^/.]+)\.([^/.]+)$/.exec(handler.replace(/^\.\//, ''))
  const stem = match?.[1]
  const exportName = match?.[2]
  if (stem === undefined || exportName === undefined || stem.split('/').some((segment) => segment === '' || segment === '..')) {
    throw new PeerlessError('HANDLER_NOT_FOUND', `handler '${handler}' is not of the form 'file.export' or 'folder/file.export'`)
  }
  return { stem, exportName }
}

/** The file that a handler names. @throws HANDLER_NOT_FOUND saying what was looked for and what is there */
export function findHandlerFile(handler: string, stem: string, tree: ZipTree): string {
  for (const extension of SOURCE_EXTENSIONS) if (tree.isFile(stem + extension)) return stem + extension
  const sources = [...tree.names()].filter((name) => SOURCE_EXTENSIONS.some((extension) => name.endsWith(extension)))
  const nested = sources.find((name) => SOURCE_EXTENSIONS.some((extension) => name.endsWith(`/${stem}${extension}`)))
  const hint =
    nested !== undefined
      ? `the zip has '${nested}': zip the folder's content, not the folder, or name the folder in the handler`
      : `the zip has ${listed(sources.filter((name) => !name.includes('node_modules/')))}`
  throw new PeerlessError(
    'HANDLER_NOT_FOUND',
    `handler '${handler}': no file '${stem}' with one of ${SOURCE_EXTENSIONS.join(' ')} in the zip; ${hint}`
  )
}

export function listed(names: readonly string[]): string {
  if (names.length === 0) return 'none'
  const more = names.length - NAMES_SHOWN_MAX
  return names.slice(0, NAMES_SHOWN_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
