import { ACCOUNT_NAME, PeerlessError, type Tariff } from '@peerless/interface'
import { ByteReader, ByteWriter } from './bytes.ts'
import { keyOf, peerOf } from './keys.ts'
import { LEDGER_LIMITS } from './limits.ts'
import { sha256 } from './merkle.ts'
import { isKind, type Kind, ROW_BYTES } from './receipt-row.ts'

/** Kinds of signature, apart from each other and from everything else that a node signs (see wire's `signedBytes`). */
export const KIND_STATEMENT = 'ledger-statement'
export const KIND_ACCEPTANCE = 'ledger-acceptance'

const FORMAT = 1
const KEY_BYTES = 32
export const HASH_BYTES = 32
export const BOOT_BYTES = 16
export const SIGNATURE_BYTES = 64
/** Where the two keys lie in a body: format, caller, executor. */
const CALLER_AT = 1
const EXECUTOR_AT = CALLER_AT + KEY_BYTES
export const ZERO_HASH = new Uint8Array(HASH_BYTES)
/** No sum may come near the end of a u64; the largest charge is below 2^53. */
const TOTAL_MAX = 2n ** 63n

/** What one account owes in one lane. */
export interface Total {
  readonly account: string
  /** Of this statement's receipts. */
  readonly subtotal: bigint
  /** Of the lane so far, this statement included. */
  readonly cumulative: bigint
}

/** The signed part of a statement. Its lane is H(mesh, caller, executor, both boots, epoch). */
export interface StatementBody {
  readonly caller: string
  readonly executor: string
  readonly callerBoot: Uint8Array
  readonly executorBoot: Uint8Array
  /** Counts the lanes that the executor opened in this boot: after a refusal it starts a new one, so it never signs one number twice. */
  readonly epoch: number
  /** From 1. */
  readonly seq: number
  readonly count: number
  readonly root: Uint8Array
  /** Hash of the statement before it in the lane; zeros at the first. */
  readonly prev: Uint8Array
  readonly timeMin: number
  readonly timeMax: number
  /** Receipts of the lane so far, this statement included. */
  readonly receiptsTotal: number
  readonly tariff: Tariff
  /** The executor's operator: it is paid. */
  readonly payee: string
  readonly kinds: readonly Kind[]
  /** Ordered by account, each once; every account that the lane has had. */
  readonly totals: readonly Total[]
}

/** A statement as it is stored and sent: bytes that nobody re-encodes. */
export interface SignedStatement {
  readonly body: Uint8Array
  readonly rows: Uint8Array
  readonly executorSignature: Uint8Array
  /** undefined when self-attested or not accepted (yet). */
  readonly callerSignature: Uint8Array | undefined
}

export function encodeBody(body: StatementBody): Uint8Array {
  const writer = new ByteWriter(512)
  writer.u8(FORMAT)
  writer.bytes(keyOf(body.caller))
  writer.bytes(keyOf(body.executor))
  writer.bytes(body.callerBoot)
  writer.bytes(body.executorBoot)
  writer.u32(body.epoch)
  writer.u32(body.seq)
  writer.u32(body.count)
  writer.bytes(body.root)
  writer.bytes(body.prev)
  writer.u48(body.timeMin)
  writer.u48(body.timeMax)
  writer.u48(body.receiptsTotal)
  writer.u32(body.tariff.incrementMs)
  writer.u32(body.tariff.unitsPerIncrementMb)
  writer.u32(body.tariff.unitsPerRequest)
  writer.text(body.payee)
  writer.u16(body.kinds.length)
  for (const kind of body.kinds) {
    writer.text(kind.account)
    writer.text(kind.functionName)
    writer.text(kind.version)
  }
  writer.u16(body.totals.length)
  for (const total of body.totals) {
    writer.text(total.account)
    writer.u64(total.subtotal)
    writer.u64(total.cumulative)
  }
  return writer.finish()
}

/** Shape, bounds and names; no signature, no sum. @throws MALFORMED */
export function decodeBody(alleged: Uint8Array): StatementBody {
  const reader = new ByteReader(alleged, 'ledger statement')
  const format = reader.u8()
  if (format !== FORMAT) reader.fail(`format ${format} is not ${FORMAT}`)
  const caller = peerOf(reader.bytes(KEY_BYTES))
  const executor = peerOf(reader.bytes(KEY_BYTES))
  const callerBoot = reader.bytes(BOOT_BYTES)
  const executorBoot = reader.bytes(BOOT_BYTES)
  const epoch = reader.u32()
  const seq = reader.u32()
  if (seq < 1) reader.fail('sequence 0 is below 1')
  const count = reader.u32()
  if (count < 1 || count > LEDGER_LIMITS.statementRowsMax) {
    reader.fail(`${count} receipts must be 1 to ${LEDGER_LIMITS.statementRowsMax}`)
  }
  const root = reader.bytes(HASH_BYTES)
  const prev = reader.bytes(HASH_BYTES)
  const timeMin = reader.u48()
  const timeMax = reader.u48()
  if (timeMax < timeMin || timeMax - timeMin > LEDGER_LIMITS.spanMsMax) {
    reader.fail(`times ${timeMin} to ${timeMax} must span 0 to ${LEDGER_LIMITS.spanMsMax} ms`)
  }
  const receiptsTotal = reader.u48()
  const tariff = { incrementMs: reader.u32(), unitsPerIncrementMb: reader.u32(), unitsPerRequest: reader.u32() }
  const problem = tariffProblem(tariff)
  if (problem !== undefined) reader.fail(problem)
  const payee = accountOf(reader)
  const kinds = readKinds(reader)
  const totals = readTotals(reader)
  reader.end()
  return {
    caller,
    executor,
    callerBoot,
    executorBoot,
    epoch,
    seq,
    count,
    root,
    prev,
    timeMin,
    timeMax,
    receiptsTotal,
    tariff,
    payee,
    kinds,
    totals
  }
}

function accountOf(reader: ByteReader): string {
  const account = reader.text()
  if (!ACCOUNT_NAME.test(account)) reader.fail(`'${account.slice(0, 80)}' is no account name`)
  return account
}

function readKinds(reader: ByteReader): Kind[] {
  const length = reader.u16()
  if (length < 1 || length > LEDGER_LIMITS.kindsMax) reader.fail(`${length} kinds must be 1 to ${LEDGER_LIMITS.kindsMax}`)
  const kinds: Kind[] = []
  for (let index = 0; index < length; index++) {
    const kind = { account: reader.text(), functionName: reader.text(), version: reader.text() }
    if (!isKind(kind)) reader.fail('an account, function or version name breaks its rule')
    kinds.push(kind)
  }
  return kinds
}

function readTotals(reader: ByteReader): Total[] {
  const length = reader.u16()
  if (length < 1 || length > LEDGER_LIMITS.accountsPerLaneMax) {
    reader.fail(`${length} totals must be 1 to ${LEDGER_LIMITS.accountsPerLaneMax}`)
  }
  const totals: Total[] = []
  let before = ''
  for (let index = 0; index < length; index++) {
    const account = accountOf(reader)
    if (account <= before) reader.fail(`account '${account}' must come after '${before}'`)
    before = account
    const subtotal = reader.u64()
    const cumulative = reader.u64()
    if (subtotal > cumulative || cumulative >= TOTAL_MAX)
      reader.fail(`subtotal ${subtotal} or total ${cumulative} is out of range`)
    totals.push({ account, subtotal, cumulative })
  }
  return totals
}

/** undefined when the prices are whole, and the dearest possible receipt stays a safe integer. */
export function tariffProblem(tariff: Tariff): string | undefined {
  const { incrementMs, unitsPerIncrementMb, unitsPerRequest } = tariff
  for (const value of [incrementMs, unitsPerIncrementMb, unitsPerRequest]) {
    if (!Number.isInteger(value) || value < 0 || value > 0xff_ff_ff_ff)
      return `tariff value ${value} must be a whole number below 2^32`
  }
  if (incrementMs < 1) return 'tariff increment 0 ms must be at least 1'
  const dearest = Math.ceil(0xff_ff_ff_ff / 1_000 / incrementMs) * 65_535 * unitsPerIncrementMb + unitsPerRequest
  if (dearest > Number.MAX_SAFE_INTEGER) return `tariff makes charges up to ${dearest}, above 2^53`
  return undefined
}

export function sameTariff(a: Tariff, b: Tariff): boolean {
  return (
    a.incrementMs === b.incrementMs && a.unitsPerIncrementMb === b.unitsPerIncrementMb && a.unitsPerRequest === b.unitsPerRequest
  )
}

/** What makes a lane. */
export type LaneScope = Pick<StatementBody, 'caller' | 'executor' | 'callerBoot' | 'executorBoot' | 'epoch'>

/** 64 hexadecimal digits. */
export function laneOf(mesh: string, scope: LaneScope): string {
  const writer = new ByteWriter(256)
  writer.bytes(Buffer.from(`peerless/v1\0${mesh}\0ledger-lane\0`))
  writer.bytes(keyOf(scope.caller))
  writer.bytes(keyOf(scope.executor))
  writer.bytes(scope.callerBoot)
  writer.bytes(scope.executorBoot)
  writer.u32(scope.epoch)
  return hexOf(sha256(writer.finish()))
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** u32 length and body, u32 length and rows, signature, a byte that says whether the caller's signature follows. */
export function writeStatement(writer: ByteWriter, statement: SignedStatement): void {
  writer.u32(statement.body.length)
  writer.bytes(statement.body)
  writer.u32(statement.rows.length)
  writer.bytes(statement.rows)
  writer.bytes(statement.executorSignature)
  writer.u8(statement.callerSignature === undefined ? 0 : 1)
  if (statement.callerSignature !== undefined) writer.bytes(statement.callerSignature)
}

export function statementBytes(statement: SignedStatement): number {
  return statement.body.length + statement.rows.length + 9 + 2 * SIGNATURE_BYTES
}

/** @param alleged statements one after another @throws MALFORMED */
export function readStatements(alleged: Uint8Array, statementsMax: number): SignedStatement[] {
  const reader = new ByteReader(alleged, 'ledger message')
  const statements: SignedStatement[] = []
  while (!reader.ended) {
    if (statements.length >= statementsMax) reader.fail(`more than ${statementsMax} statements`)
    const bodyLength = reader.u32()
    if (bodyLength > LEDGER_LIMITS.bodyBytesMax) reader.fail(`body of ${bodyLength} bytes, at most ${LEDGER_LIMITS.bodyBytesMax}`)
    const body = reader.bytes(bodyLength)
    const rowsLength = reader.u32()
    if (rowsLength % ROW_BYTES !== 0 || rowsLength > LEDGER_LIMITS.statementRowsMax * ROW_BYTES) {
      reader.fail(`${rowsLength} bytes of rows must be whole rows of ${ROW_BYTES}, at most ${LEDGER_LIMITS.statementRowsMax}`)
    }
    const rows = reader.bytes(rowsLength)
    const executorSignature = reader.bytes(SIGNATURE_BYTES)
    const callerSignature = reader.u8() === 0 ? undefined : reader.bytes(SIGNATURE_BYTES)
    statements.push({ body, rows, executorSignature, callerSignature })
  }
  return statements
}

/** Caller and executor of an encoded body, without decoding it; undefined when it is too short. */
export function authorsOf(body: Uint8Array): [string, string] | undefined {
  if (body.length < EXECUTOR_AT + KEY_BYTES) return undefined
  return [peerOf(body.subarray(CALLER_AT, EXECUTOR_AT)), peerOf(body.subarray(EXECUTOR_AT, EXECUTOR_AT + KEY_BYTES))]
}

export function malformed(message: string): PeerlessError {
  return new PeerlessError('MALFORMED', message)
}
