import { PeerlessError } from '@peerless/interface'
import { DAY_MS } from './constants.ts'

/**
 * Wall time of a zone. A wall time is written as the epoch milliseconds that it would have in UTC, so that calendar arithmetic is that of UTC.
 * Where clocks are put forward some wall times do not exist, where they are put back some exist twice.
 */
export interface Zone {
  readonly name: string
  wallOf(instant: number): number
  /** The first instant that shows this wall time; undefined when none does. */
  instantOf(wall: number): number | undefined
}

/** Zones in use are few; making a formatter takes as long as a thousand uses of it. */
const ZONES_MAX = 600
const zones = new Map<string, Zone>()

/** @throws INVALID_ARGUMENT when it is no IANA name that this Node knows */
export function zoneOf(name: string): Zone {
  const known = zones.get(name)
  if (known !== undefined) return known
  const zone = name === 'UTC' ? UTC : new IntlZone(name)
  if (zones.size < ZONES_MAX) zones.set(name, zone)
  return zone
}

const UTC: Zone = { name: 'UTC', wallOf: (instant) => instant, instantOf: (wall) => wall }

class IntlZone implements Zone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat

  constructor(name: string) {
    this.name = name
    try {
      // Intl takes offsets and abbreviations too; a name with a slash, or UTC, is what people mean by a zone.
      if (!/^[A-Za-z][A-Za-z0-9+_-]*(\/[A-Za-z0-9+_-]+){0,2}$/.test(name)) throw new RangeError('malformed')
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
        second: 'numeric'
      })
    } catch (error) {
      throw new PeerlessError(
        'INVALID_ARGUMENT',
        `time zone '${name.slice(0, 64)}' must be a name of the IANA database, such as Europe/Vienna, or UTC`,
        {
          cause: error
        }
      )
    }
  }

  wallOf(instant: number): number {
    const fields: Record<string, number> = {}
    for (const { type, value } of this.#format.formatToParts(instant)) fields[type] = Number(value)
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((instant % 1_000) + 1_000) % 1_000)
  }

  instantOf(wall: number): number | undefined {
    // No zone changes its clocks twice within two days, so one of the offsets around is the right one.
    const offsets = [wall - DAY_MS, wall + DAY_MS].map((near) => this.wallOf(near) - near)
    const candidates = offsets.map((offset) => wall - offset).sort((a, b) => a - b)
    return candidates.find((candidate) => this.wallOf(candidate) === wall)
  }
}
