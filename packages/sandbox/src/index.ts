export { buildSandbox, type SandboxCode } from './build.ts'
export { BUILTINS_SUPPORTED } from './builtins.ts'
export { EXECUTOR_PIPE_FD, executorArguments } from './executor-arguments.ts'
export {
  BUNDLE_PIECE_BYTES,
  type BundleFacts,
  type BundleHeader,
  type CatastropheHeader,
  CHUNK_PREFIX,
  CODE_CACHE_PREFIX,
  type EgressCreditHeader,
  type EgressDataHeader,
  type EgressFailedHeader,
  type EgressHeadHeader,
  type EgressOpenHeader,
  EXECUTOR_MESSAGE,
  type ExecutorStatus,
  exitErrorJson,
  FLAG_CACHE_REFUSED,
  FLAG_GONE,
  FLAG_MANNER_SHIFT,
  FLAG_PROMPT,
  functionErrorJson,
  GLUE_NAME,
  type InvokeHeader,
  LIBRARY_NAME,
  type LoadedHeader,
  type LoadOrder,
  type LogHeader,
  MANNERS,
  type Manner,
  memoryErrorJson,
  type ResultHeader,
  SOURCE_MAP_PREFIX,
  START_STAGES,
  timeoutErrorJson
} from './executor-protocol.ts'
export { type BundleNeeds, type IsolateKind, isSameKind, kindOf, needsOfBundle } from './isolate-kind.ts'
export { INVOKE_ERROR, KIND_BASE64, KIND_EVENT, KIND_HTTP, KIND_STREAM, LOG_LEVELS, RESULT_STATUSES } from './outcome-numbers.ts'
export { splitSourceMap } from './read-bundle.ts'
