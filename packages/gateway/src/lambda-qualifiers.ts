import { type FunctionRecord, LATEST, type QualifierSettings, settingsOf } from '@peerless/interface'
import type { LambdaContext } from './lambda-context.ts'

/** Changes what is set for one qualifier; `edit` may throw. What is left empty takes no room. @throws NOT_FOUND */
export function changeSettings(
  context: Pick<LambdaContext, 'deployments'>,
  name: string,
  qualifier: string | undefined,
  edit: (settings: QualifierSettings, record: FunctionRecord) => QualifierSettings
): Promise<FunctionRecord> {
  return context.deployments.change(name, (record) => {
    const qualifiers = { ...record.qualifiers }
    const edited = edit(settingsOf(record, qualifier), record)
    if (Object.values(edited).some((value) => value !== undefined)) qualifiers[qualifier ?? LATEST] = edited
    else delete qualifiers[qualifier ?? LATEST]
    return { ...record, qualifiers }
  })
}
