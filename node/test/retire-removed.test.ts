import type { Catalog, FunctionRecord, FunctionVersion } from '@peerless/interface'
import test from 'ava'
import { isDeployed } from '../src/retire-removed.ts'

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
