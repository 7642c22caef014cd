/** Instances alive at once on a node. Each takes about 1.2 MB before its own data. */
export const INSTANCES_MAX = 1_024
/** Functions whose starts are counted; the one that was first of all is forgotten first. */
export const STARTS_COUNTED_MAX = 10_000
/** Instances are prepared ahead only while there are fewer: the rest is for calls. */
export const INSTANCES_AHEAD_MAX = 768
/** How often it is looked at which instances should be there before they are asked for. */
export const PREWARM_PERIOD_MS = 1_000
/** Executors of all accounts together; each takes about 50 MB. */
export const EXECUTORS_MAX = 64
export const EXECUTORS_PER_ACCOUNT_DEFAULT = 2
export const IDLE_MS_DEFAULT = 600_000
/** The same beyond what a latency target takes, which has an instance started in time when more are needed. */
export const LEAN_IDLE_MS = 60_000
/** After this many instances a process has leaked enough to be worth replacing (isolated-vm #207: 4 KB each). */
export const LOADS_PER_EXECUTOR_MAX = 4_096
/** Bundles that an executor keeps though no instance there uses them: the next cold start finds V8's code cache. */
export const BUNDLES_KEPT_MAX = 32
/** Initialisation of a function, as on Lambda. */
export const INIT_MS_MAX = 10_000
/** After a function's timeout the executor has this long to say so itself; then it is killed. */
export const GRACE_MS = 500
/** How often deadlines are looked at from outside. */
export const WATCH_PERIOD_MS = 100
/** How often resident memory is read. */
export const MEMORY_PERIOD_MS = 100
/** How often it is looked at what the daemon and all executors hold together. */
export const NODE_MEMORY_PERIOD_MS = 1_000
/**
 * Memory of an executor beside what its instances declared: Node with the isolates that wait (up to 112, see EXECUTOR_IDLE_MB), and 80 for payloads of 6 MB on their way in
 * and out, compiled code and what young generations hold before V8 collects it. The daemon holds resident memory to it, the executor's control group what is its own: that leaves
 * out some 40 MB of Node's code, which all processes share, so the daemon's end, which is the kinder one, comes first unless memory grows faster than it looks.
 */
export const EXECUTOR_OVERHEAD_MB = 192
/** A node does not start before its first executor has answered: 0.3 s on a machine of today, many times that on a small one that is busy. */
export const PROBE_MS_MAX = 30_000
/** When to come back after BUSY: about the time of a call. */
export const BUSY_RETRY_MS = 100
/** Calls in a row that answered without waiting before a revision is prompt. */
export const PROMPT_CALLS_MIN = 16
/** Calls that may wait in the pipe for one instance. */
export const LANE_CALLS_MAX = 32
/** While fewer executors have a lane than could, so many are stacked before another instance is looked for. */
export const LANE_CALLS_SHALLOW = 4
/** A call that executors turn away so often is refused. */
export const TURNED_AWAY_MAX = 3
/** A call waits so long for calls of another revision on an executor's own thread before they are asked to leave it: a few ordinary calls. */
export const TURN_MS_MIN = 1
/** A call that is so long on an executor's own thread is asked to leave it: what a slow stretch may take. */
export const THREAD_MS_MAX = 20
/** An executor that does not answer so long has a call on its thread that does not come back: nothing more is sent there, and what waits goes elsewhere. */
export const MUTE_MS_MAX = 20
/** So often that long where other calls or starts end there meanwhile: it waits for a processor, mostly. */
export const MUTE_ROUNDS_MAX = 8
/** Where no executor of an account answers, a start waits so long for one before it gets another process. */
export const SILENT_MS_MAX = 100
/** A process that is given up finishes what is healthy in it, for so long: memory must be back within 10 s. */
export const DRAIN_MS_MAX = 8_000
/** Before a process is killed for its memory, calls that take no longer than this may end in it. */
export const LAST_MS_MAX = 30
/** An executor without instances is kept for so long, beside the spare one. */
export const EMPTY_MS_MAX = 5_000
/** How long after a spare process was taken the next is started. */
export const PREPARE_MS = 250
/** And how long after one that ended by itself, or could not be started. */
export const PREPARE_AGAIN_MS = 1_000
/** How soon an executor is looked at again that runs something and holds more than half of what it may. */
export const MEMORY_NEAR_MS = 20
/** Every so many looks also at executors in which nothing runs: each second. */
export const LOOKS_PER_IDLE = 10
/** An executor without a call that holds more than this and a little per instance is asked to give memory back. */
export const EXECUTOR_IDLE_MB = 112
export const INSTANCE_IDLE_MB = 8
/** What it may keep beyond that and its instances' heaps after it was asked. */
export const EXECUTOR_SLACK_MB = 64
