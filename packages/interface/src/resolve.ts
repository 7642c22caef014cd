import type { Catalog } from './catalog.ts'
import type { AliasRecord, FunctionRecord, FunctionVersion, QualifierSettings, ResolvedFunction } from './function.ts'
import { LATEST } from './names.ts'
import type { Random } from './platform.ts'

/** A published version is a number without leading zeros. */
export const VERSION_NUMBER = /^[1-9][0-9]{0,8}$/

/** The version of that number, or `$LATEST`; undefined when there is none (here, yet). */
export function versionOf(catalog: Catalog, record: FunctionRecord, version: string): FunctionVersion | undefined {
  if (version === LATEST) return record.latest
  if (!VERSION_NUMBER.test(version) || Number(version) > (record.lastVersion ?? 0)) return undefined
  const found = catalog.get('version', `${record.name}:${version}`)
  // A function that was removed and made again has none of the old one's versions.
  return found !== undefined && found.account === record.account ? found.version : undefined
}

export function aliasOf(record: FunctionRecord, qualifier: string): AliasRecord | undefined {
  const { aliases } = record
  return aliases !== undefined && Object.hasOwn(aliases, qualifier) ? aliases[qualifier] : undefined
}

/** Settings of exactly this qualifier; undefined and `$LATEST` are the same. */
export function settingsOf(record: FunctionRecord, qualifier: string | undefined): QualifierSettings {
  const name = qualifier ?? LATEST
  const { qualifiers } = record
  return (qualifiers !== undefined && Object.hasOwn(qualifiers, name) ? qualifiers[name] : undefined) ?? {}
}

/**
 * What a call of `qualifier` runs: a version by number, or by alias, which picks one of two by weight.
 * undefined when there is no such version or alias.
 */
export function resolveFunction(
  catalog: Catalog,
  record: FunctionRecord,
  qualifier: string | undefined,
  random: Random
): ResolvedFunction | undefined {
  if (qualifier === undefined || qualifier === LATEST) return { record, version: record.latest }
  const alias = aliasOf(record, qualifier)
  const number = alias === undefined ? qualifier : pickVersion(alias, random)
  const version = versionOf(catalog, record, number)
  return version === undefined ? undefined : { record, version }
}

/** One draw per call: over many calls the second version gets its weight's share. */
export function pickVersion(alias: AliasRecord, random: Random): string {
  const { second } = alias
  return second !== undefined && random.next() < second.weight ? second.version : alias.version
}
