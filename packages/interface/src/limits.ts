/**
 * Every bound that more than one package must agree on, with its unit in the name. AWS's figures where AWS has one
 * (Lambda quotas, developer guide "Lambda quotas", 2025), so that stock clients meet the limits that they know.
 */
export const LIMITS = {
  /** Request and response payload of a synchronous invocation: 6 MB (AWS; its recorded response cap is 6,291,556). */
  payloadBytesMax: 6_291_556,
  /** Payload of an asynchronous invocation: 1 MB (AWS, since 2025; 256 KB before). */
  asyncPayloadBytesMax: 1_048_576,
  /** Upload of CreateFunction and UpdateFunctionCode, base64 and JSON included (AWS: 70,167,211). */
  deployBodyBytesMax: 70_167_211,
  /** Zip as uploaded (AWS: 50 MB). */
  zipBytesMax: 52_428_800,
  /** Zip unpacked, all files together (AWS: 250 MB). */
  unzippedBytesMax: 262_144_000,
  /** Files in one zip. AWS has no such limit; a directory listing of this size still takes under a second here. */
  zipFilesMax: 20_000,
  /** One bundled script. V8 takes longer to parse it than anyone would wait for above this. */
  bundleBytesMax: 67_108_864,
  /** Environment variables, names and values together (AWS: 4 KB). */
  environmentBytesMax: 4_096,
  /** Statements of one resource policy, one per action and principal; AWS bounds only its text, by 20 KB. */
  policyStatementsMax: 256,
  memoryMbMin: 128,
  memoryMbMax: 10_240,
  memoryMbDefault: 128,
  timeoutSecondsMax: 900,
  timeoutSecondsDefault: 3,
  /** `latencyTarget`: below a millisecond lies the way through the node itself, above 15 minutes no function lives. */
  latencyTargetMsMin: 1,
  latencyTargetMsMax: 900_000,
  /** Decoded client context (AWS: 3,583 bytes of base64). */
  clientContextBytesMax: 3_583,
  /** What LogType=Tail returns (AWS: the last 4 KB). */
  logTailBytesMax: 4_096,
  /** Lines and bytes of console output kept of one invocation; the rest is counted, not kept. */
  logLinesMax: 1_000,
  logLineBytesMax: 16_384,
  logBytesMax: 262_144,
  /** A frame on a pipe or stream: the largest payload, its header, and room to spare. */
  frameBytesMax: 8_388_608,
  /** CBOR header of a frame. */
  frameHeaderBytesMax: 262_144,
  /** Requests outstanding on one channel. */
  requestsInFlightMax: 65_536,
  /** Bytes per chunk when a bundle is pulled (yamux frames are at most 64 KiB). */
  chunkBytesMax: 65_536,
  /** Body of a streamed answer: 20 MB, AWS's long-standing soft limit; a node may be given another. */
  streamBytesMax: 20_971_520,
  /** One chunk of a streamed answer on its way. */
  streamChunkBytesMax: 65_536,
  /** Bytes of a streamed answer between the function that writes them and the client that takes them, beyond which the function waits. */
  streamWindowBytes: 262_144,
  /** A catalog entry, value and signature included. */
  catalogEntryBytesMax: 131_072
} as const
