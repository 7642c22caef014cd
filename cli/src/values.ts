/** Reading single values of the command line. Each refusal names value, rule and bound. */
import { ACCOUNT_NAME, LIMITS } from '@peerless/interface'
import { UsageError } from './errors.ts'

const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DAYS_MAX = 3_650

/** `250ms`, `30s`, `5m`, `1h`, `7d` → milliseconds; above 0 and at most ten years. */
export function parseDuration(alleged: string, what: string): number {
  const [, count, unit] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(alleged) ?? []
  const ms = count === undefined || unit === undefined ? 0 : Number(count) * (UNIT_MS[unit] ?? 0)
  if (ms <= 0 || ms > DAYS_MAX * 86_400_000) {
    throw new UsageError(
      `${what} '${short(alleged)}' must be a whole number above 0 with a unit ms, s, m, h or d, at most ${DAYS_MAX}d, such as 30s, 5m or 1h`
    )
  }
  return ms
}

/** A moment: ISO 8601, epoch milliseconds, or a duration that lies that long before `now`. → epoch milliseconds */
export function parseMoment(alleged: string, what: string, now: number): number {
  if (/^\d{1,12}(ms|s|m|h|d)$/.test(alleged)) return now - parseDuration(alleged, what)
  const ms = /^\d{10,15}$/.test(alleged)
    ? Number(alleged)
    : /^\d{4}-\d{2}-\d{2}([T ]|$)/.test(alleged)
      ? Date.parse(alleged)
      : Number.NaN
  if (!Number.isFinite(ms)) {
    throw new UsageError(
      `${what} '${short(alleged)}' must be a time such as 2026-05-01T12:00:00Z, epoch milliseconds, or how long ago, such as 5m or 1h`
    )
  }
  return ms
}

/** A whole number within bounds. */
export function parseInteger(alleged: string, what: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(alleged) ? Number(alleged) : Number.NaN
  if (!(value >= min && value <= max)) {
    throw new UsageError(`${what} '${short(alleged)}' must be a whole number from ${min} to ${max}`)
  }
  return value
}

export function parsePattern(alleged: string, what: string, pattern: RegExp, rule: string): string {
  if (!pattern.test(alleged)) throw new UsageError(`${what} '${short(alleged)}' must be ${rule}`)
  return alleged
}

/** `NAME=VALUE`; the value may be empty and may contain `=`. The rule for names is that of the Lambda API. */
export function parseAssignment(alleged: string): [string, string] {
  const at = alleged.indexOf('=')
  const name = alleged.slice(0, Math.max(at, 0))
  if (!/^[a-zA-Z][a-zA-Z0-9_]+$/.test(name)) {
    // The value may be a secret, and errors end up in logs: only what stands before it is said.
    const shown = at < 0 ? short(alleged) : `${short(name)}=…`
    throw new UsageError(
      `environment variable '${shown}' must be NAME=VALUE, its name a letter followed by at least one letter, digit or '_'`
    )
  }
  return [name, alleged.slice(at + 1)]
}

/** @throws UsageError where names and values are larger than Lambda has them */
export function checkEnvironmentSize(environment: Readonly<Record<string, string>>, what: string): void {
  const bytes = Object.entries(environment).reduce((total, pair) => total + Buffer.byteLength(pair.join('')), 0)
  if (bytes > LIMITS.environmentBytesMax)
    throw new UsageError(`${what}: ${bytes} bytes of names and values, at most ${LIMITS.environmentBytesMax} are allowed`)
}

/** `--account` where it was given, as a member of an order. @throws UsageError */
export function accountOf(flags: { account?: string }): { account?: string } {
  if (flags.account === undefined) return {}
  return { account: parsePattern(flags.account, '--account', ACCOUNT_NAME, "1 to 64 letters, digits, '-', '_' or '.'") }
}

/** The root of an HTTP server, without path, query or credentials. → `http://host:port` */
export function parseOrigin(alleged: string, what: string): string {
  let url: URL | undefined
  try {
    url = new URL(alleged)
  } catch {
    // Not a URL at all: refused below with the same rule.
  }
  const whole =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === ''
  if (url === undefined || !whole || url.username !== '' || url.password !== '') {
    throw new UsageError(`${what} '${short(alleged)}' must be http://HOST:PORT or https://HOST:PORT, without path or credentials`)
  }
  return url.origin
}

/** For messages: what a person typed, cut where it would flood the screen. */
export function short(alleged: string): string {
  return alleged.length > 200 ? `${alleged.slice(0, 200)}…` : alleged
}
