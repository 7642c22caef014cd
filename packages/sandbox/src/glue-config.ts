import { LIMITS, lineageMark } from '@peerless/interface'
import type { LoadOrder } from './executor-protocol.ts'
import type { StreamBounds } from './hosted-stream.ts'
import type { BundleManifest } from './read-bundle.ts'

export function streamBounds(order: LoadOrder): StreamBounds {
  return {
    bytesMax: order.streamBytesMax ?? LIMITS.streamBytesMax,
    chunkBytesMax: LIMITS.streamChunkBytesMax,
    windowBytes: LIMITS.streamWindowBytes
  }
}

/** What the glue is told when an instance is made, as JSON. */
export function glueConfig(order: LoadOrder, manifest: BundleManifest): string {
  const { functionName, functionVersion, memoryMb, logGroup, logStream, node, environment } = order
  return JSON.stringify({
    functionName,
    lineageMark: lineageMark(functionName),
    functionVersion,
    memoryMb,
    logGroup,
    logStream,
    node,
    environment,
    asyncContext: manifest.builtins.includes('async_hooks'),
    payloadBytes: LIMITS.payloadBytesMax,
    logLines: LIMITS.logLinesMax,
    logBytes: LIMITS.logBytesMax,
    logLineBytes: LIMITS.logLineBytesMax,
    stream: { ...streamBounds(order), gatheredBytesMax: LIMITS.payloadBytesMax }
  })
}
