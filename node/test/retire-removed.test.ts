import type { Catalog, CatalogKind, FunctionRecord, FunctionVersion, InstanceStatus } from '@peerless/interface'
import test from 'ava'
import { isDeployed, retireRemoved } from '../src/retire-removed.ts'

const versionOf = (version: string, revisionId: string) => ({ version, revisionId }) as FunctionVersion
const recordOf = (record: Partial<FunctionRecord>) => ({ name: 'fn', account: 'acme', ...record }) as FunctionRecord

function catalogOf(record: FunctionRecord | undefined, versions: Record<string, FunctionVersion> = {}): Catalog {
  const get = (kind: string, name: string) => {
    if (kind === 'function') return name === 'fn' ? record : undefined
    const version = versions[name]
    return version === undefined ? undefined : { functionName: 'fn', account: 'acme', version }
  }
  return { get } as unknown as Catalog
}

test('a version is deployed as long as the catalog has that very revision of it for that account', (t) => {
  const latest = versionOf('$LATEST', 'two')
  const first = versionOf('1', 'one')
  const has = isDeployed(catalogOf(recordOf({ latest, lastVersion: 1 }), { 'fn:1': first }))
  const of = (version: FunctionVersion, account = 'acme') => ({ functionName: 'fn', account, version })
  t.true(has(of(latest)))
  t.true(has(of(first)))
  t.false(has(of(versionOf('$LATEST', 'before'))), 'its code was replaced')
  t.false(has(of(versionOf('2', 'three'))), 'there is no such version')
  t.false(has(of(latest, 'other')))
  t.false(isDeployed(catalogOf(undefined))(of(latest)), 'it was removed')
})

test('instances go as soon as nobody can call them any more, and no others', (t) => {
  const latest = versionOf('$LATEST', 'two')
  const first = versionOf('1', 'one')
  let record: FunctionRecord | undefined = recordOf({ latest, lastVersion: 1 })
  let versions: Record<string, FunctionVersion> = { 'fn:1': first }
  let changed: (kind: CatalogKind, name: string) => void = () => undefined
  const catalog = {
    get: (kind: CatalogKind, name: string) => catalogOf(record, versions).get(kind, name),
    onChange: (listener: typeof changed) => {
      changed = listener
      return () => undefined
    }
  } as unknown as Catalog
  const running = ['before:$LATEST', 'two:$LATEST', 'one:1'].map((one) => {
    const [revisionId, version] = one.split(':')
    return { function: 'fn', version, revisionId } as InstanceStatus
  })
  const other = { function: 'other', version: '$LATEST', revisionId: 'of another' } as InstanceStatus
  let retired: string[] = []
  const instances = { list: () => [...running, other], retire: (revisionId: string) => void retired.push(revisionId) }
  retireRemoved(catalog, instances)
  const after = (kind: CatalogKind, name: string) => {
    retired = []
    changed(kind, name)
    return retired
  }
  t.deepEqual(after('function', 'fn'), ['before'])
  t.deepEqual(after('route', 'fn'), [])
  versions = {}
  t.deepEqual(after('version', 'fn:1'), ['before', 'one'])
  record = undefined
  t.deepEqual(after('function', 'fn'), ['before', 'two', 'one'])
})
