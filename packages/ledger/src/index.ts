/** Receipts → statements → balances: signed by who ran it and who called, kept by every node. See ../README.md. */
export { createLedger, type LedgerOptions, type LedgerService } from './ledger-service.ts'
export { LEDGER_LIMITS } from './limits.ts'
