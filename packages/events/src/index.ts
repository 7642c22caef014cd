import type { Random, Triggers } from '@peerless/interface'
import { Scheduler, type SchedulerOptions } from './scheduler.ts'
import { CatalogTriggers } from './triggers.ts'

export interface EventsService {
  readonly triggers: Triggers
  /** Before the mesh starts. */
  listen(): void
  /** Fires from now on. */
  start(): void
  stop(): void
}

/** Sources that make events. So far: schedules. */
export function createEvents(options: SchedulerOptions & { random: Random }): EventsService {
  const scheduler = new Scheduler(options)
  return {
    triggers: new CatalogTriggers({ ...options, scheduler }),
    listen: () => scheduler.listen(),
    start: () => scheduler.start(),
    stop: () => scheduler.stop()
  }
}
