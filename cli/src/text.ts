import { stripVTControlCharacters } from 'node:util'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/**
 * Text of a function, peer or server, safe on a terminal: control characters and direction marks become visible escapes, so that
 * nobody's log line can move the cursor or repaint the screen. Tab and newline stay.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** Without the byte order mark that some editors begin files with: JSON knows none, and a reader may ignore it (RFC 8259, section 8.1). */
export function withoutMark(utf8: Buffer): Buffer {
  return utf8.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? utf8.subarray(BYTE_ORDER_MARK.length) : utf8
}

export interface Column<Row> {
  title: string
  cell: (row: Row) => string
  align?: 'left' | 'right'
}

/** Two spaces between columns, the title line through `head`; no line has trailing spaces. Cells are made printable and kept on one line. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], head = (line: string) => line): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row)).replaceAll(/[\n\t]/g, ' ')))
  const widths = columns.map((column, index) => Math.max(column.title.length, ...cells.map((line) => widthOf(line[index] ?? ''))))
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => {
        const gap = ' '.repeat((widths[index] ?? 0) - widthOf(text))
        return columns[index]?.align === 'right' ? gap + text : text + gap
      })
      .join('  ')
      .trimEnd()
  return `${[head(line(columns.map((column) => column.title))), ...cells.map(line)].join('\n')}\n`
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length
}

/** Label and value, a line each, labels padded. */
export function fields(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(...pairs.map(([label]) => label.length))
  return pairs.map(([label, value]) => `${label.padEnd(width)}  ${printable(value)}\n`).join('')
}

/** Decimal units, three digits: `1.23 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1_000
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${value.toPrecision(3)} ${units[unit]}`
}

/** `1234567` → `1,234,567`; takes decimal strings too, so that balances keep every digit. */
export function digits(value: string | number | bigint): string {
  return String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',')
}

export function timeText(epochMs: number): string {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? '-' : date.toISOString()
}

/** The tail of a peer id tells peers apart; its head is the same for all Ed25519 keys. */
export function shortPeer(peerId: string): string {
  return peerId.length > 14 ? `…${peerId.slice(-8)}` : peerId
}
