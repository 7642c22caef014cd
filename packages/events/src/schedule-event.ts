import type { ScheduleTrigger } from '@peerless/interface'

export interface Place {
  readonly region: string
  readonly accountId: string
}

/** ARN as it stands in events: that of a rule of EventBridge. */
function triggerArn({ region, accountId }: Place, name: string): string {
  return `arn:aws:events:${region}:${accountId}:rule/${name}`
}

/** What a firing sends: EventBridge's scheduled event, or the schedule's own input with the scheduler's context attributes filled in. */
export function eventOf(trigger: ScheduleTrigger, scheduled: number, id: string, place: Place): string {
  const time = new Date(scheduled).toISOString().replace(/\.\d{3}Z$/, 'Z')
  const arn = triggerArn(place, trigger.name)
  if (trigger.input !== undefined) {
    // AWS: "Adding context attributes" of EventBridge Scheduler. None of the values needs escaping in JSON.
    return trigger.input
      .replaceAll('<aws.scheduler.schedule-arn>', arn)
      .replaceAll('<aws.scheduler.scheduled-time>', time)
      .replaceAll('<aws.scheduler.execution-id>', id)
      .replaceAll('<aws.scheduler.attempt-number>', '1')
  }
  return JSON.stringify({
    version: '0',
    id,
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: place.accountId,
    time,
    region: place.region,
    resources: [arn],
    detail: {}
  })
}
