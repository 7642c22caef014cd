import {
  ACCOUNT_NAME,
  type AccessKey,
  type Catalog,
  type Clock,
  type KeyRole,
  PeerlessError,
  type Random
} from '@peerless/interface'

const ROLES: readonly KeyRole[] = ['admin', 'deployer', 'invoker']
const ID_PREFIX = 'PLKA'
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** 16 characters of base32: 80 bits, unique without asking anyone. */
const ID_CHARACTERS = 16
/** 40 characters of base64, as AWS's secrets have: 240 bits. */
const SECRET_BYTES = 30

export interface Keys {
  /** Makes a key that every node knows soon. @throws INVALID_ARGUMENT */
  create(order: { role: KeyRole; account: string; node?: string | undefined }): Promise<AccessKey>
  /** In order of id, secrets included: callers decide what they show. */
  list(): AccessKey[]
  /** False when there is none. */
  revoke(accessKeyId: string): Promise<boolean>
  get(accessKeyId: string): AccessKey | undefined
}

/**
 * Access keys over the catalog.
 * @param options `isRemoved`: whether a node was removed from the mesh; the key that it made for itself is none from then on, whoever still has it
 */
export function createKeys(options: {
  catalog: Catalog
  clock: Clock
  random: Random
  isRemoved: (peerId: string) => boolean
}): Keys {
  const { catalog, clock, random, isRemoved } = options
  const holds = ({ node }: AccessKey) => node === undefined || !isRemoved(node)
  const get = (accessKeyId: string) => {
    const key = catalog.get('key', accessKeyId)
    return key !== undefined && holds(key) ? key : undefined
  }
  return {
    async create({ role, account, node }) {
      if (!ROLES.includes(role)) throw new PeerlessError('INVALID_ARGUMENT', `role '${role}' must be one of ${ROLES.join(', ')}`)
      if (typeof account !== 'string' || !ACCOUNT_NAME.test(account)) {
        throw new PeerlessError(
          'INVALID_ARGUMENT',
          `account '${String(account).slice(0, 100)}' must have 1 to 64 letters, digits, '-', '_' or '.'`
        )
      }
      const key: AccessKey = {
        accessKeyId: newId(random),
        secretAccessKey: Buffer.from(random.bytes(SECRET_BYTES)).toString('base64'),
        role,
        account,
        createdAt: clock.now(),
        ...(node === undefined ? {} : { node })
      }
      await catalog.put('key', key.accessKeyId, key)
      return key
    },
    list: () => catalog.list('key').filter(holds),
    revoke: (accessKeyId) => catalog.remove('key', accessKeyId),
    get
  }
}

function newId(random: Random): string {
  // 256 is a multiple of 32: every character is equally likely.
  return ID_PREFIX + Array.from(random.bytes(ID_CHARACTERS), (byte) => BASE32.charAt(byte % 32)).join('')
}
