import { FUNCTION_NAME, type FunctionRecord, type LatencyStatus, LIMITS, PeerlessError } from '@peerless/interface'
import { z } from 'zod'
import { checked } from './api-body.ts'
import type { ApiCall, ApiOperation } from './api-call.ts'
import type { GatewayContext } from './options.ts'
import { mayDeploy, mayManage } from './roles.ts'

const TARGET = z.strictObject({
  targetMs: z.number().int().min(LIMITS.latencyTargetMsMin).max(LIMITS.latencyTargetMsMax)
})

/** `/v1/latency` and `/v1/functions/NAME/latency-target`: what authors ask for, and whether they have it. */
export function latencyOperations(context: GatewayContext): Record<string, ApiOperation> {
  const { catalog, deployments, limits, mesh } = context
  const statusOf = (name: string) => (mesh.latency?.() ?? []).filter((status) => status.function === name)
  const change = async (call: ApiCall, targetMs: number | undefined) => {
    const { name, latencyTargetMs } = recordOf(context, call, 'change the latency target')
    if (latencyTargetMs === targetMs) return
    await deployments.change(name, ({ latencyTargetMs: _before, ...rest }) =>
      targetMs === undefined ? rest : { ...rest, latencyTargetMs: targetMs }
    )
  }
  return {
    'GET /v1/latency': {
      name: 'latency',
      bodyBytesMax: 0,
      run(call) {
        mayDeploy(call.key, 'see latency targets')
        const shown = (status: LatencyStatus) =>
          call.key.role === 'admin' || catalog.get('function', status.function)?.account === call.key.account
        call.json(200, (mesh.latency?.() ?? []).filter(shown))
      }
    },
    'GET /v1/functions/*/latency-target': {
      name: 'latency target',
      bodyBytesMax: 0,
      run(call) {
        const { name, latencyTargetMs } = recordOf(context, call, 'see the latency target')
        call.json(200, { targetMs: latencyTargetMs ?? null, versions: latencyTargetMs === undefined ? [] : statusOf(name) })
      }
    },
    'PUT /v1/functions/*/latency-target': {
      name: 'latency target',
      bodyBytesMax: limits.meshBodyBytesMax,
      async run(call) {
        const { targetMs } = checked(TARGET, call)
        await change(call, targetMs)
        call.json(200, { targetMs, versions: statusOf(call.name) })
      }
    },
    'DELETE /v1/functions/*/latency-target': {
      name: 'latency target',
      bodyBytesMax: 0,
      async run(call) {
        await change(call, undefined)
        call.json(204, undefined)
      }
    }
  }
}

/** @throws FORBIDDEN, NOT_FOUND */
function recordOf({ catalog }: GatewayContext, call: ApiCall, action: string): FunctionRecord {
  mayDeploy(call.key, action)
  const record = FUNCTION_NAME.test(call.name) ? catalog.get('function', call.name) : undefined
  if (record === undefined) throw new PeerlessError('NOT_FOUND', `there is no function '${call.name.slice(0, 64)}' in this mesh`)
  mayManage(call.key, record, action)
  return record
}
