import type { Tariff } from '@peerless/interface'
import { signedBytes, verifySignature } from '@peerless/wire'
import { merkleRoot, sha256 } from './merkle.ts'
import {
  ATTEMPT_AT,
  bufferOf,
  DURATION_AT,
  FLAGS_AT,
  FLAGS_MAX,
  KIND_AT,
  type Kind,
  MEMORY_AT,
  ROW_BYTES,
  TIME_AT,
  unitsOf
} from './receipt-row.ts'
import {
  decodeBody,
  hexOf,
  KIND_ACCEPTANCE,
  KIND_STATEMENT,
  laneOf,
  malformed,
  type SignedStatement,
  type StatementBody,
  ZERO_HASH
} from './statement.ts'

/** A statement that passed every check that needs nothing but itself. */
export interface CheckedStatement extends SignedStatement {
  readonly decoded: StatementBody
  readonly lane: string
  /** SHA-256 of the body, hexadecimal: names the statement. */
  readonly hash: string
  readonly selfAttested: boolean
}

/** What a lane has come to. Two of one lane are compared by (seq, total, hash). */
export interface LaneHead {
  readonly lane: string
  readonly hash: string
  readonly seq: number
  readonly payee: string
  readonly receipts: number
  /** Cumulative by paying account. */
  readonly totals: ReadonlyMap<string, bigint>
  /** Their sum. */
  readonly total: bigint
}

export interface Sums {
  readonly totals: Map<string, bigint>
  readonly timeMin: number
  readonly timeMax: number
}

/** Charges of rows by account. @throws MALFORMED when a row breaks a bound */
export function sumRows(bytes: Uint8Array, kinds: readonly Kind[], tariff: Tariff): Sums {
  const rows = bufferOf(bytes)
  const count = rows.length / ROW_BYTES
  /** Per kind, as a number: 8,192 of the dearest receipts may pass 2^53, so it is carried over early. */
  const part = new Float64Array(kinds.length)
  const sums = new Array<bigint>(kinds.length).fill(0n)
  const used = new Uint8Array(kinds.length)
  let timeMin = Number.POSITIVE_INFINITY
  let timeMax = 0
  for (let at = 0; at < count * ROW_BYTES; at += ROW_BYTES) {
    const kind = rows.readUInt16LE(at + KIND_AT)
    const memoryMb = rows.readUInt16LE(at + MEMORY_AT)
    if (kind >= kinds.length || memoryMb < 1 || rows[at + ATTEMPT_AT] === 0 || (rows[at + FLAGS_AT] as number) > FLAGS_MAX) {
      throw malformed(
        `receipt ${at / ROW_BYTES} of a statement has kind ${kind} of ${kinds.length}, ${memoryMb} MB or a wrong attempt or status`
      )
    }
    const time = rows.readUIntLE(at + TIME_AT, 6)
    if (time < timeMin) timeMin = time
    if (time > timeMax) timeMax = time
    const units = unitsOf(rows.readUInt32LE(at + DURATION_AT), memoryMb, tariff)
    used[kind] = 1
    const sum = (part[kind] as number) + units
    if (sum <= Number.MAX_SAFE_INTEGER) part[kind] = sum
    else {
      sums[kind] = (sums[kind] as bigint) + BigInt(part[kind] as number)
      part[kind] = units
    }
  }
  const totals = new Map<string, bigint>()
  for (const [index, kind] of kinds.entries()) {
    if (used[index] === 0) continue
    totals.set(kind.account, (totals.get(kind.account) ?? 0n) + (sums[index] as bigint) + BigInt(part[index] as number))
  }
  return { totals, timeMin, timeMax }
}

/**
 * Names, bounds, page root, subtotals, times and signatures of one statement by itself.
 * @param parts `rows: false` for evidence of a fork, where only the signed body matters
 * @throws MALFORMED with what does not hold
 */
export function checkStatement(
  mesh: string,
  statement: SignedStatement,
  parts: { rows: boolean } = { rows: true }
): CheckedStatement {
  const decoded = decodeBody(statement.body)
  const lane = laneOf(mesh, decoded)
  const where = `statement ${decoded.seq} of lane ${lane.slice(0, 16)}`
  const selfAttested = decoded.caller === decoded.executor
  if (!verifySignature(decoded.executor, signedBytes(mesh, KIND_STATEMENT, statement.body), statement.executorSignature)) {
    throw malformed(`${where}: the executor's signature does not verify`)
  }
  if (statement.callerSignature !== undefined) {
    if (selfAttested) throw malformed(`${where}: a self-attested statement has one signature`)
    if (!verifySignature(decoded.caller, signedBytes(mesh, KIND_ACCEPTANCE, statement.body), statement.callerSignature)) {
      throw malformed(`${where}: the caller's signature does not verify`)
    }
  }
  if (parts.rows) checkRows(statement.rows, decoded, where)
  return { ...statement, decoded, lane, hash: hexOf(sha256(statement.body)), selfAttested }
}

function checkRows(rows: Uint8Array, body: StatementBody, where: string): void {
  if (rows.length !== body.count * ROW_BYTES) throw malformed(`${where}: ${rows.length} bytes of rows for ${body.count} receipts`)
  if (!bufferOf(merkleRoot(rows)).equals(body.root)) throw malformed(`${where}: the receipts do not hash to the signed root`)
  const sums = sumRows(rows, body.kinds, body.tariff)
  if (sums.timeMin !== body.timeMin || sums.timeMax !== body.timeMax) {
    throw malformed(`${where}: receipts span ${sums.timeMin} to ${sums.timeMax}, signed is ${body.timeMin} to ${body.timeMax}`)
  }
  for (const total of body.totals) {
    const sum = sums.totals.get(total.account) ?? 0n
    if (sum !== total.subtotal)
      throw malformed(`${where}: receipts of '${total.account}' add up to ${sum}, signed is ${total.subtotal}`)
    sums.totals.delete(total.account)
  }
  for (const account of sums.totals.keys()) throw malformed(`${where}: account '${account}' has receipts and no subtotal`)
}

/**
 * That a statement continues its lane.
 * @param parent the head it names as the one before; undefined at the first
 * @returns the lane's new head
 * @throws MALFORMED with what does not hold
 */
export function continueLane(parent: LaneHead | undefined, statement: CheckedStatement): LaneHead {
  const { decoded: body, lane, hash } = statement
  const where = `statement ${body.seq} of lane ${lane.slice(0, 16)}`
  const prev = hexOf(body.prev)
  if (parent === undefined ? body.seq !== 1 || prev !== hexOf(ZERO_HASH) : body.seq !== parent.seq + 1 || prev !== parent.hash) {
    throw malformed(`${where}: the statement before it is missing or another one`)
  }
  if (parent !== undefined && (parent.lane !== lane || parent.payee !== body.payee)) {
    throw malformed(`${where}: lane or payee changed from '${parent.payee}' to '${body.payee}'`)
  }
  if (body.receiptsTotal !== (parent?.receipts ?? 0) + body.count) {
    throw malformed(`${where}: ${body.receiptsTotal} receipts so far must be ${(parent?.receipts ?? 0) + body.count}`)
  }
  const totals = new Map<string, bigint>()
  let sum = 0n
  let known = 0
  for (const total of body.totals) {
    const before = parent?.totals.get(total.account)
    if (before !== undefined) known++
    if (total.cumulative !== (before ?? 0n) + total.subtotal) {
      throw malformed(`${where}: total of '${total.account}' is ${total.cumulative}, must be ${before ?? 0n} + ${total.subtotal}`)
    }
    totals.set(total.account, total.cumulative)
    sum += total.cumulative
  }
  if (known !== (parent?.totals.size ?? 0)) throw malformed(`${where}: an account of the lane has lost its total`)
  return { lane, hash, seq: body.seq, payee: body.payee, receipts: body.receiptsTotal, totals, total: sum }
}

/** The head that a counted statement alone stands for. */
export function headOf(hash: string, lane: string, body: StatementBody): LaneHead {
  const totals = new Map(body.totals.map((total) => [total.account, total.cumulative]))
  let total = 0n
  for (const amount of totals.values()) total += amount
  return { lane, hash, seq: body.seq, payee: body.payee, receipts: body.receiptsTotal, totals, total }
}
