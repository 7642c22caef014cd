/** Bounds of the ledger. What other packages must agree on is in interface; these are the ledger's own. */
export const LEDGER_LIMITS = {
  /** Receipts per leaf of the Merkle tree: a proof of one receipt carries 15 neighbours (480 bytes) and saves 15 hashes. */
  pageRows: 16,
  /** Receipts of one statement: 40,000 calls/s make 4,000 in 100 ms; twice that, 256 KiB of rows. */
  statementRowsMax: 8_192,
  /** A statement between two nodes closes here, so neither is exposed to more. */
  batchReceiptsDefault: 256,
  /** … and here; … */
  batchMsDefault: 100,
  /**
   * … or after so long for each caller that had receipts in the last batch and each node of the mesh, so that a mesh makes some five hundred statements a second: each
   * of its nodes checks the signatures of all, 0.17 ms a statement. But no later than `batchMsMost`.
   */
  batchMsPerCallerAndNode: 2,
  batchMsMost: 2_000,
  /**
   * Where few receipts come all the time, a batch stays open longer, up to so many times: a statement and its flush cost the same for one receipt as for a hundred,
   * and ten calls a second would make ten a second. …
   */
  lightStretchMost: 10,
  /** … It grows by one such time in so many batches in a row, … */
  lightBatchesPerStep: 10,
  /** … ends with a batch of so many receipts, and closes at them, so no more than these are in memory alone, … */
  lightReceipts: 100,
  /** … and with a pause of so long. */
  lightPauseMs: 1_000,
  /** Different (account, function, version) of one statement; a batch closes when its table is full. */
  kindsMax: 1_024,
  /** Accounts that one lane has totals for; the next one opens a new lane. */
  accountsPerLaneMax: 1_024,
  /** From first to last receipt of a statement: bounds how much `statement` must hold to put lines in order. */
  spanMsMax: 600_000,
  /** Encoded statement body: 1,024 kinds of at most 259 bytes, as many totals of at most 81, and its head. */
  bodyBytesMax: 393_216,
  /** Statements carried by one message between nodes; the frame holds 8 MiB. */
  messageBytesMax: 2_097_152,
  /** Statements of one offer. */
  offerStatementsMax: 64,
  /** Statements of one page of `statement`: 4,096 receipts, some milliseconds to put in order on the thread that serves calls. */
  pageBytesMax: 131_072,
  pageStatementsMax: 64,
  /** Hashes of one LEDGER_HEADS answer (156 KiB). */
  headsMax: 4_096,
  /** Hashes asked for by one LEDGER_PULL. */
  pullHashesMax: 512,
  /** Receipts that this node saw as caller and that no statement has claimed yet, per executing node; the oldest go. */
  seenPerPeerMax: 262_144,
  /** Executing nodes that such receipts are kept of. */
  seenPeersMax: 1_024,
  /** Receipts handed over and not on disk yet (32 MiB); beyond it they are dropped, counted and logged. */
  backlogReceiptsMax: 1_048_576,
  /** How long a caller waits for an answer that its executor already bills, before it refuses. */
  unseenGraceMs: 2_000,
  unseenRetryMs: 25,
  /** How long flush() waits for executors to claim what this node saw: the longest batch and more. Claimed later, it would be refused by the next start. */
  claimsWaitMs: 2_500,
  /** Answers in a row that settle nothing, after which a caller is offered no more until the next batch or round of anti-entropy. */
  fruitlessOffersMax: 4,
  /** Statements below this size count against the quota of small ones. */
  smallStatementRows: 64,
  /** Small statements that one executor may offer, per second and at once. Honest ones come ten times a second. */
  smallStatementsPerSecond: 40,
  /** Requests of one peer that the ledger works on at once. */
  requestsPerPeerMax: 8,
  /** How long one exchange with a peer may take. */
  exchangeTimeoutMs: 15_000,
  /** Anti-entropy with one random peer. */
  antiEntropyMs: 3_000,
  /** New statements are joined this long before they are sent … */
  pushMs: 50,
  /** … or, in larger meshes, so long for each peer: a hundred pushes a second at most. */
  pushMsPerPeer: 10,
  /** Connected peers that new statements are sent to directly; in meshes in which a node is not connected with all others gossip carries them. */
  pushPeersMax: 63,
  /** New statements that wait to be sent; the oldest are left to anti-entropy. */
  pushHashesMax: 16_384,
  /** Pushes that wait for a peer to take the one before; the oldest are left to anti-entropy. */
  pushesQueuedMax: 8,
  /** Statements of one gossip message; GOSSIP_BYTES_MAX of the mesh is 64 KiB. */
  gossipBytesMax: 61_440,
  /** Acceptances wait this long for a transaction to share. */
  storeMs: 50,
  /** Who sends what cannot be taken yet, or nothing, is asked for more at most this often. */
  askMs: 50,
  /** A statement that cannot be taken yet (parent or member unknown) is asked for again this many times, then passed over. */
  heldRoundsMax: 20,
  /** Caught up but different this many times in a row: the peer's whole list is compared again. */
  differentRoundsMax: 5,
  /** Rounds of one catching-up; the next one goes on where it ended. */
  syncRoundsMax: 256,
  /** How long flush() waits for peers to take the statements that were made last: what nobody has taken goes with a node that does not come back. */
  pushedWaitMs: 1_000,
  /** How far an executor's time of a receipt may be from the caller's: a receipt that says it is old is not kept for long. */
  timeOffMsMax: 86_400_000,
  /** How long each receipt is kept: a year and a month, … */
  keepMsDefault: 400 * 86_400_000,
  /** … at least a day (nobody can have pruned what is younger), at most ten years. */
  keepMsLeast: 86_400_000,
  keepMsMost: 3_650 * 86_400_000,
  /** Old receipts go in steps of so long, so that nodes agree on what is left … */
  prunePeriodMs: 86_400_000,
  /** … and when two looks at the clock, this far apart, agree that they are old. */
  pruneCheckMs: 3_600_000,
  /** Statements looked at in one transaction of pruning: some 10 ms where they go, as each is in six trees. */
  pruneStepStatements: 250,
  /** How far above a statement one of its lane is looked for that makes it superfluous. */
  pruneLookAhead: 64,
  /** A statement may begin this long after the end of what is pruned and follow one that is. Its executor's clock may have been set back by less than this. */
  orphanSlackMs: 3_600_000,
  /** How long who reads waits for executors that were asked to claim what this node saw: a statement and its two signatures take some ten milliseconds. */
  claimsAskedMs: 1_000,
  /** They are asked so seldom: each time may make a small statement, whose signatures every node checks. */
  claimsAskedEveryMs: 250,
  /** flush() and stop() wait no longer than this for peers. */
  flushTimeoutMs: 5_000
} as const
