import { type Receipt, TARIFF_DEFAULT } from '@peerless/interface'
import { type Signer, signedBytes } from '@peerless/wire'
import { ByteWriter } from '../src/bytes.ts'
import { sumRows } from '../src/check.ts'
import { merkleRoot, sha256 } from '../src/merkle.ts'
import { RowBuffer } from '../src/receipt-row.ts'
import {
  encodeBody,
  KIND_ACCEPTANCE,
  KIND_STATEMENT,
  type SignedStatement,
  type StatementBody,
  writeStatement,
  ZERO_HASH
} from '../src/statement.ts'

export interface Forged extends SignedStatement {
  readonly hash: Uint8Array
  readonly decoded: StatementBody
}

/** A statement as an executor of bad faith would make it: right in everything that is not overridden. */
export function forge(
  executor: Signer,
  mesh: string,
  receipts: Receipt[],
  parts: { callerBoot: Uint8Array; acceptedBy?: Signer; before?: Forged } & Partial<StatementBody>
): Forged {
  const buffer = new RowBuffer(8_192)
  for (const receipt of receipts) if (buffer.append(receipt) !== 'ok') throw new Error('the receipt does not fit')
  const { rows, kinds } = buffer.take()
  const sums = sumRows(rows, kinds, TARIFF_DEFAULT)
  const { acceptedBy, before, ...overrides } = parts
  const accounts = new Set([...sums.totals.keys(), ...(before?.decoded.totals.map((total) => total.account) ?? [])])
  const decoded: StatementBody = {
    caller: receipts[0]?.caller ?? executor.peerId,
    executor: executor.peerId,
    executorBoot: new Uint8Array(16).fill(7),
    epoch: 0,
    seq: (before?.decoded.seq ?? 0) + 1,
    count: receipts.length,
    root: merkleRoot(rows),
    prev: before?.hash ?? ZERO_HASH,
    timeMin: sums.timeMin,
    timeMax: sums.timeMax,
    receiptsTotal: (before?.decoded.receiptsTotal ?? 0) + receipts.length,
    tariff: TARIFF_DEFAULT,
    payee: 'mallory',
    kinds,
    totals: [...accounts].sort().map((account) => {
      const subtotal = sums.totals.get(account) ?? 0n
      const earlier = before?.decoded.totals.find((total) => total.account === account)?.cumulative ?? 0n
      return { account, subtotal, cumulative: earlier + subtotal }
    }),
    ...overrides
  }
  const body = encodeBody(decoded)
  return {
    body,
    rows,
    executorSignature: executor.sign(signedBytes(mesh, KIND_STATEMENT, body)),
    callerSignature: acceptedBy?.sign(signedBytes(mesh, KIND_ACCEPTANCE, body)),
    hash: sha256(body),
    decoded
  }
}

export function payloadOf(...statements: SignedStatement[]): Uint8Array {
  const writer = new ByteWriter()
  for (const statement of statements) writeStatement(writer, statement)
  return writer.finish()
}
