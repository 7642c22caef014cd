import { crc32, deflateRawSync } from 'node:zlib'

/** An entry as an attacker writes it: whatever is given stands in the zip as it is. */
export interface RawEntry {
  name: string
  content: string
  method?: number
  flags?: number
  /** `st_mode` for the external attributes. */
  mode?: number
  /** The data, in place of the compressed content. */
  raw?: Uint8Array
  crc?: number
  /** The declared size. */
  bytes?: number
}

export function rawZip(entries: readonly RawEntry[]): Uint8Array {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const content = Buffer.from(entry.content)
    const method = entry.method ?? 8
    const data = entry.raw ?? (method === 8 ? deflateRawSync(content) : content)
    const header = Buffer.alloc(26)
    header.writeUInt16LE(20, 0)
    header.writeUInt16LE((entry.flags ?? 0) | 0x800, 2)
    header.writeUInt16LE(method, 4)
    header.writeUInt32LE(entry.crc ?? crc32(content), 10)
    header.writeUInt32LE(data.length, 14)
    header.writeUInt32LE(entry.bytes ?? content.length, 18)
    header.writeUInt16LE(name.length, 22)
    const central = Buffer.alloc(14)
    central.writeUInt32LE(((entry.mode ?? 0o100_644) << 16) >>> 0, 6)
    central.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), header, central, name)
    parts.push(Buffer.from('PK\x03\x04'), header, name, Buffer.from(data))
    offset += 30 + name.length + data.length
  }
  const list = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(list.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, list, end])
}
