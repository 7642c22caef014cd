/** What bundlers leave behind: paths of the packages that went in, and the names of their own helpers. */
const MARKS = ['node_modules/', '__webpack_require__', '__nccwpck_require__'] as const
/** Nobody writes lines of this length; minifiers write little else. */
const LINE_CHARACTERS = 5_000
/** Nor files of this length. Bundlers that leave no marks (rollup) get there with a package or two. */
const FILE_CHARACTERS = 100_000

/**
 * Whether a file seems to have been put together by a bundler, out of its author's own files and of packages. What stands in it may then be a
 * package's, and is judged as theirs is.
 */
export function isBundled(text: string): boolean {
  return text.length >= FILE_CHARACTERS || MARKS.some((mark) => text.includes(mark)) || hasLongLine(text)
}

function hasLongLine(text: string): boolean {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start)
    if ((end === -1 ? text.length : end) - start >= LINE_CHARACTERS) return true
    if (end === -1) return false
    start = end + 1
  }
  return false
}
