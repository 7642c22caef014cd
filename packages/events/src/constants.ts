/** Bounds and periods of schedules. Times in milliseconds. */
export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS

/** How often due schedules are looked for: a firing is at most so late. */
export const TICK_MS = 250
/** Later than this, a firing is missed: then the schedule's `missed` says what becomes of it. */
export const LATE_MS_MAX = 60_000
/** From this lateness on somebody else may have fired it: it is asked for by its id before. */
export const DOUBTFUL_MS = 1_500
/** How long peers are waited for to say whether they fire the same. */
export const CLAIM_MS_MAX = 1_000
/** The same for one that is silent already. With PEER_SILENT_MS_MIN and the question for the result, a takeover begins well within 5 s. */
export const CLAIM_SILENT_MS_MAX = 500
/**
 * So long a claim is good from its start: what becomes durable later is asked for before it runs. Less than PEER_SILENT_MS_MIN, so that nobody has taken
 * it over before.
 */
export const CLAIM_LEASE_MS = 2_000
/** Between two ticks: a node that stood still for so long may have been taken for dead. Less than PEER_SILENT_MS_MIN. */
export const SLEPT_MS_MIN = 2_000
/** Firings that a node remembers to have granted or made: at one per second, more than two hours. */
export const CLAIMS_REMEMBERED_MAX = 10_000
/** Triggers of one mesh. */
export const TRIGGERS_MAX = 10_000
/** Of one account: the others have the rest. */
export const ACCOUNT_TRIGGERS_MAX = 5_000
/** AWS: flexible time windows are at most a day. */
export const WINDOW_MINUTES_MAX = 1_440
/** EventBridge's years. */
export const YEAR_MIN = 1_970
export const YEAR_MAX = 2_199
export const INPUT_CHARACTERS_MAX = 65_536
export const TRIGGER_NAME = /^[0-9a-zA-Z-_.]{1,64}$/
/** After a start or a sleep nothing fires for so long: peers have to be found again, and the catalog, to tell what was fired. */
export const SETTLE_MS = 5_000
