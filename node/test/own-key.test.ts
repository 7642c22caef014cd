import type { Keys } from '@peerless/catalog'
import type { AccessKey, CatalogKind } from '@peerless/interface'
import { MemoryLogger, VirtualClock } from '@peerless/testing'
import test from 'ava'
import type { DaemonFile } from '../src/data-folder.ts'
import { OwnKey } from '../src/own-key.ts'

test('a key that was revoked while the disk is full is made anew when it has room, and no second one', async (t) => {
  const clock = new VirtualClock()
  const logger = new MemoryLogger()
  const valid = new Map<string, AccessKey>()
  let changed: (kind: CatalogKind, name: string) => void = t.fail
  let made = 0
  const full = { catalog: false, folder: false }
  const refuse = (disk: keyof typeof full) => {
    if (full[disk]) throw new Error(`no space left for the ${disk}`)
  }
  const keys: Keys = {
    create: async ({ role, account, node }) => {
      refuse('catalog')
      const key = { accessKeyId: `KEY${++made}`, secretAccessKey: 'secret', role, account, node, createdAt: 0 }
      valid.set(key.accessKeyId, key)
      return key
    },
    list: () => [...valid.values()],
    revoke: async (id) => valid.delete(id),
    get: (id) => valid.get(id)
  }
  let kept: { accessKeyId: string; secretAccessKey: string } | undefined
  let announced: DaemonFile | undefined
  const own = new OwnKey({
    folder: {
      readKey: async () => kept,
      writeKey: async (pair) => {
        refuse('folder')
        kept = pair
      },
      announce: async (file) => {
        announced = file
      }
    },
    keys,
    catalog: {
      onChange: (listener) => {
        changed = listener
        return () => {
          changed = () => undefined
        }
      }
    },
    peerId: 'self',
    account: 'default',
    clock,
    logger
  })
  await own.announce({ http: 'http://x', pid: 1, peerId: 'self', region: 'us-east-1' })
  t.is(announced?.accessKeyId, 'KEY1')
  t.is(valid.get('KEY1')?.node, 'self')

  full.catalog = true
  valid.delete('KEY1')
  changed('key', 'KEY1')
  await clock.advance(20_000)
  t.is(made, 1)
  Object.assign(full, { catalog: false, folder: true })
  await clock.advance(20_000)
  // Made once, though it could not be written down.
  t.is(made, 2)
  t.is(announced?.accessKeyId, 'KEY1')
  full.folder = false
  await clock.advance(10_000)
  t.is(announced?.accessKeyId, 'KEY2')
  t.deepEqual([...valid.keys()], ['KEY2'])
  t.true(logger.lines.some(({ message }) => message.includes('could not be made anew')))

  await own.stop()
  valid.delete('KEY2')
  changed('key', 'KEY2')
  await clock.advance(20_000)
  t.is(made, 2)
})
