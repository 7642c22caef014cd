import { promisify } from 'node:util'
import { crc32, inflateRaw, inflateRawSync } from 'node:zlib'
import { LIMITS, PeerlessError } from '@peerless/interface'
import * as yauzl from 'yauzl'

const inflateRawAsync = promisify(inflateRaw)

/** Inflating less than this at once is cheaper than a trip to the thread pool; it takes well under a millisecond. */
const INFLATE_INLINE_BYTES_MAX = 65_536
/** POSIX NAME_MAX times a few folders; longer names are no one's source file. */
const ENTRY_NAME_BYTES_MAX = 1_024
/** The deepest node_modules has a few dozen. */
const SEGMENTS_MAX = 64
/** Of all names together: deep names of as many files as there may be would else make a million, each a text in memory. No project has more folders than files. */
const FOLDERS_MAX = LIMITS.zipFilesMax
const STORED = 0
const DEFLATED = 8
/** `st_mode` as Info-ZIP keeps it in the upper half of the external attributes. */
const MODE_TYPE_MASK = 0xf000
const MODE_REGULAR = 0x8000
const MODE_DIRECTORY = 0x4000
const MODE_SYMLINK = 0xa000
/** Entries inflated at once by `readZip`. */
const READS_AT_ONCE = 8

export interface ZipEntry {
  /** Relative, '/' between segments, no '.', '..' or empty segment. Unique in its zip. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** A file of a zip that was checked by its directory but is not inflated yet. */
export interface ZipItem {
  readonly name: string
  /** As the zip's directory declares; `read` holds the file to it. */
  readonly bytesDeclared: number
  /** @throws INVALID_ZIP when the data is not what the directory says */
  read(): Promise<Uint8Array>
}

/**
 * All files of a zip, inflated and checked.
 * @throws INVALID_ZIP or TOO_LARGE naming entry, rule and bound
 */
export async function readZip(zip: Uint8Array): Promise<ZipEntry[]> {
  const items = await listZip(zip)
  const entries: ZipEntry[] = new Array(items.length)
  let next = 0
  const reader = async () => {
    for (let index = next++; index < items.length; index = next++) {
      const item = items[index] as ZipItem
      entries[index] = { name: item.name, bytes: await item.read() }
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
  return entries
}

/**
 * The files of a zip by its central directory, in its order. Names, kinds, number and declared sizes are checked here, real sizes
 * and checksums when a file is read: no file can inflate past what it declared, and the declared sum is bounded.
 */
export async function listZip(zip: Uint8Array): Promise<ZipItem[]> {
  if (zip.length > LIMITS.zipBytesMax) {
    throw new PeerlessError('TOO_LARGE', `zip of ${zip.length} bytes exceeds ${LIMITS.zipBytesMax}`)
  }
  const buffer = Buffer.from(zip.buffer, zip.byteOffset, zip.length)
  try {
    return await listEntries(buffer)
  } catch (error) {
    if (error instanceof PeerlessError) throw error
    throw new PeerlessError('INVALID_ZIP', `zip of ${zip.length} bytes is not readable: ${textOf(error)}`, {
      cause: error,
      detail: { unreadable: true }
    })
  }
}

async function listEntries(buffer: Buffer): Promise<ZipItem[]> {
  // Names stay raw here: their rules, with our messages, are in `checkedName`.
  const file = await yauzl.fromBufferPromise(buffer, { decodeStrings: false, validateEntrySizes: true })
  if (file.entryCount > LIMITS.zipFilesMax) {
    throw new PeerlessError('TOO_LARGE', `zip of ${file.entryCount} entries exceeds ${LIMITS.zipFilesMax}`)
  }
  const items: ZipItem[] = []
  const files = new Set<string>()
  const folders = new Set<string>()
  let bytesTotal = 0
  for await (const entry of file.eachEntry()) {
    const alleged = yauzl.getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true)
    const name = checkedName(alleged)
    checkKind(name, entry)
    if (alleged.endsWith('/')) {
      if (name !== '') addFolders(folders, `${name}/`)
      continue
    }
    if (files.has(name)) throw invalid(name, 'is there twice')
    files.add(name)
    addFolders(folders, name)
    bytesTotal += entry.uncompressedSize
    if (bytesTotal > LIMITS.unzippedBytesMax) {
      throw new PeerlessError(
        'TOO_LARGE',
        `zip inflates to more than ${LIMITS.unzippedBytesMax} bytes: ${bytesTotal} with entry '${shown(name)}' of ${entry.uncompressedSize}`,
        { detail: { unzipped: true } }
      )
    }
    items.push({ name, bytesDeclared: entry.uncompressedSize, read: () => readEntry(buffer, file, entry, name) })
  }
  for (const name of files) if (folders.has(name)) throw invalid(name, 'is a file and a folder')
  return items
}

/** The name without a leading './' or a folder's trailing '/'. */
function checkedName(alleged: string): string {
  if (Buffer.byteLength(alleged) > ENTRY_NAME_BYTES_MAX) {
    throw invalid(alleged, `has a name of ${Buffer.byteLength(alleged)} bytes, at most ${ENTRY_NAME_BYTES_MAX}`)
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
  if (/[\u0000-\u001f\u007f]/.test(alleged)) throw invalid(alleged, 'has a control character in its name')
  if (alleged.includes('\\')) throw invalid(alleged, "has a backslash in its name; folders are separated by '/'")
  if (alleged.startsWith('/') || /^[a-zA-Z]:/.test(alleged)) throw invalid(alleged, 'has an absolute path')
  const segments = alleged.replace(/^(?:\.\/)+/, '').split('/')
  if (segments.at(-1) === '') segments.pop()
  if (segments.includes('..')) throw invalid(alleged, "leaves the zip's folder by '..'")
  if (segments.length === 1 && segments[0] === '.') segments.pop()
  if (segments.includes('') || segments.includes('.')) throw invalid(alleged, "has an empty or '.' segment in its path")
  if (segments.length > SEGMENTS_MAX) throw invalid(alleged, `is ${segments.length} folders deep, at most ${SEGMENTS_MAX}`)
  if (segments.length === 0 && !alleged.endsWith('/')) throw invalid(alleged, 'has no name')
  return segments.join('/')
}

function checkKind(name: string, entry: yauzl.Entry): void {
  const type = (entry.externalFileAttributes >>> 16) & MODE_TYPE_MASK
  if (type === MODE_SYMLINK) throw invalid(name, 'is a symbolic link')
  if (type !== 0 && type !== MODE_REGULAR && type !== MODE_DIRECTORY) throw invalid(name, 'is neither a file nor a folder')
  if (entry.isEncrypted()) throw invalid(name, 'is encrypted')
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw invalid(name, `has compression method ${entry.compressionMethod}; stored (0) and deflated (8) are read`)
  }
}

function addFolders(folders: Set<string>, name: string): void {
  for (let slash = name.lastIndexOf('/'); slash > 0; slash = name.lastIndexOf('/', slash - 1)) {
    const folder = name.slice(0, slash)
    if (folders.has(folder)) return
    if (folders.size >= FOLDERS_MAX) {
      throw new PeerlessError('TOO_LARGE', `zip of more than ${FOLDERS_MAX} folders, the last of them '${shown(folder)}'`)
    }
    folders.add(folder)
  }
}

async function readEntry(buffer: Buffer, file: yauzl.ZipFile, entry: yauzl.Entry, name: string): Promise<Uint8Array> {
  let start: number
  try {
    start = (await file.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart
  } catch (error) {
    throw invalid(name, `has no readable local header: ${textOf(error)}`, error)
  }
  const end = start + entry.compressedSize
  if (end > buffer.length) throw invalid(name, `ends at byte ${end}, beyond the zip's ${buffer.length}`)
  const data = buffer.subarray(start, end)
  const bytes = entry.compressionMethod === STORED ? data : await inflate(data, entry.uncompressedSize, name)
  if (bytes.length !== entry.uncompressedSize) {
    throw invalid(name, `holds ${bytes.length} bytes where the zip's directory declares ${entry.uncompressedSize}`)
  }
  if (crc32(bytes) !== entry.crc32) throw invalid(name, 'does not match its checksum')
  return bytes
}

async function inflate(data: Buffer, bytesDeclared: number, name: string): Promise<Uint8Array> {
  // zlib stops by itself as soon as the output passes the declared size, whatever the header promised.
  const options = { maxOutputLength: Math.max(1, bytesDeclared) }
  try {
    return bytesDeclared <= INFLATE_INLINE_BYTES_MAX ? inflateRawSync(data, options) : await inflateRawAsync(data, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw invalid(name, `inflates to more than the ${bytesDeclared} bytes that the zip's directory declares`, error)
    }
    throw invalid(name, `does not inflate: ${textOf(error)}`, error)
  }
}

function invalid(name: string, rule: string, cause?: unknown): PeerlessError {
  return new PeerlessError('INVALID_ZIP', `zip entry '${shown(name)}' ${rule}`, { cause })
}

/** A name as far as it helps, control characters made visible. */
function shown(name: string): string {
  const text = JSON.stringify(name.slice(0, 200)).slice(1, -1)
  return name.length > 200 ? `${text}…` : text
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 300)
}
