/** Bytes by their CID. `fetch` of a node that lacks them asks peers; what comes is checked against the CID before it is stored. */
export interface BlockStore {
  has(cid: string): boolean
  /** undefined when it is not on this disk. @throws CORRUPT when the bytes do not match (and the file is set aside) */
  read(cid: string): Promise<Uint8Array | undefined>
  /** Durable when it resolves. Returns the CID. */
  write(bytes: Uint8Array): Promise<string>
  remove(cid: string): Promise<void>
}

/** What the blocks that nobody needs any more are found with. */
export interface BlockInventory extends BlockStore {
  /** The CIDs of all blocks on this disk, in no order. */
  list(): string[]
  /** `written` is told of each block that is given to `write`, also of one that was here already. Returns how to end it. */
  onWrite(written: (cid: string) => void): () => void
}

export interface FetchBlockOptions {
  /** Its size, as the catalog says. */
  bytes: number
  /** Milliseconds until it is given up. */
  timeoutMs: number
  /**
   * Nobody waits for it: the time counts anew with every piece that comes, so that a slow line gets its time, and where no connected peer has the block it is given up at once.
   * Default false.
   */
  background?: boolean
}

/** A block from here or, failing that, from a peer. @throws NOT_REPLICATED when no reachable node has it by the deadline */
export type FetchBlock = (cid: string, options: FetchBlockOptions) => Promise<Uint8Array>

/** The code of one version, as executors load it. Encoded as CBOR by packages/bundle; its CID names it. */
export interface Bundle {
  /** Format of this record. */
  readonly format: 1
  /** A classic script; evaluating it in the guest's global scope returns (as completion value) the module's exports object or a promise of it. */
  readonly script: string
  /** JSON text of the source map, or undefined. */
  readonly sourceMap: string | undefined
  /** `node:` modules that the script asks for at run time through `require`. */
  readonly builtins: readonly string[]
  /** Name of the export to call. */
  readonly handlerExport: string
  /** What the code may read at run time, by its name in the zip. */
  readonly files?: ReadonlyMap<string, Uint8Array> | undefined
}
