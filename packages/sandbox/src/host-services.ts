import type ivm from 'isolated-vm'
import type { CachedScript } from './code-cache.ts'
import type { EgressLink } from './egress-link.ts'
import type { LogSink } from './log-allowance.ts'
import type { Manners } from './manners.ts'
import type { SpareIsolates } from './spare-isolates.ts'
import type { Watchdog } from './watchdog.ts'

/** What an instance needs of its executor. */
export interface HostServices {
  readonly addon: typeof ivm
  readonly spares: SpareIsolates
  /** The `node:` modules, for instances whose bundle asks for any. */
  readonly library: CachedScript
  /** Parts of the glue that an isolate asks for when it first uses them, by name. */
  readonly chunks: ReadonlyMap<string, string>
  /** Outbound requests of all instances, over the pipe to the daemon. */
  readonly egress: EgressLink
  readonly manners: Manners
  readonly watchdog: Watchdog
  readonly log: LogSink
  /** V8 lost control over an isolate. */
  catastrophe(instance: number, message: string, revisionId: string): void
}
