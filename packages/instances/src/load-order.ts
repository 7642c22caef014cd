import type { FunctionVersion, Invocation } from '@peerless/interface'
import { type InvokeHeader, KIND_BASE64, KIND_EVENT, KIND_HTTP, KIND_STREAM, type LoadOrder } from '@peerless/sandbox'
import { functionEnvironment } from './environment.ts'
import { INIT_MS_MAX } from './limits.ts'
import type { Instance } from './records.ts'
import type { InstancesOptions } from './types.ts'

/** What an executor must know to make an instance. */
export function loadOrderOf(
  instance: Instance,
  { functionName, version }: Invocation,
  { nodeId, region, clock, streamBytesMax }: InstancesOptions
): LoadOrder {
  const date = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/')
  const logGroup = `/aws/lambda/${functionName}`
  const logStream = `${date}/[${version.version}]${instance.name}`
  return {
    instance: instance.id,
    revisionId: version.revisionId,
    bundleCid: version.code.bundleCid,
    memoryMb: version.memoryMb,
    initMsMax: INIT_MS_MAX,
    environment: functionEnvironment(functionName, version, { region, logGroup, logStream }),
    functionName,
    functionVersion: version.version,
    logGroup,
    logStream,
    node: nodeId,
    streamBytesMax,
    manner: instance.revision.manner
  }
}

/** Milliseconds that a bundle may run for its code cache's sake alone, which nobody pays for. */
const EVALUATION_MS_MAX = 1_000

/** What an instance of nobody's is told, for the code cache of the bundle: not the function's name, which many may have, nor a stream of logs. */
export function evaluationOrder(
  version: FunctionVersion,
  { nodeId, region }: Pick<InstancesOptions, 'nodeId' | 'region'>
): LoadOrder {
  return {
    instance: 0,
    revisionId: version.revisionId,
    bundleCid: version.code.bundleCid,
    memoryMb: version.memoryMb,
    initMsMax: EVALUATION_MS_MAX,
    environment: functionEnvironment('', version, { region, logGroup: '', logStream: '' }),
    functionName: '',
    functionVersion: version.version,
    logGroup: '',
    logStream: '',
    node: nodeId,
    manner: 'unknown'
  }
}

/** Positions as `InvokeHeader`: what the instance knows from its call before is left out. */
export function invokeHeaderOf(instance: Instance, invocation: Invocation, timeoutMs: number): InvokeHeader {
  const { attempt, caller, invokedArn, clientContext, requestId, body, trace } = invocation
  const shape = invocation.kind === 'http' ? KIND_HTTP : KIND_EVENT
  const kind = (invocation.stream === undefined ? shape : shape | KIND_STREAM) | (body?.base64 === true ? KIND_BASE64 : 0)
  const bodyBytes = body?.bytes ?? 0
  const same =
    attempt === instance.attempt &&
    caller === instance.caller &&
    invokedArn === instance.invokedArn &&
    clientContext === instance.clientContext &&
    trace === instance.trace
  if (same) return [instance.id, kind, timeoutMs, requestId, bodyBytes]
  instance.attempt = attempt
  instance.caller = caller
  instance.invokedArn = invokedArn
  instance.clientContext = clientContext
  instance.trace = trace
  const told = [attempt, caller, invokedArn, clientContext ?? null, trace ?? null] as const
  return [instance.id, kind, timeoutMs, requestId, bodyBytes, ...told]
}
