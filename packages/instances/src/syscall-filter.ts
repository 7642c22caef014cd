/**
 * A seccomp filter for executors: what the kernel refuses them though their user, namespaces and control group might allow it. A function that broke out of V8 would
 * next look for a hole in the kernel; those of the last years were mostly in what is refused here (io_uring, bpf, user namespaces, key rings, new kinds of sockets,
 * splice). Nothing of it is used by Node once it runs, with its permission model on.
 *
 * It is a list of what is refused, not of what is allowed: an allocator or a C library of another distribution that asks for a harmless call more would otherwise end every
 * function of the machine. What the kernel has added since this list was made is refused too.
 */

/** Numbers of the kernel's calls on x86-64 and on arm64 (Linux: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h); undefined where there is none. */
type Call = readonly [name: string, x64: number | undefined, arm64: number | undefined]

export const REFUSED: readonly Call[] = [
  // new sockets
  ['socket', 41, 198],
  ['socketpair', 53, 199],
  ['connect', 42, 203],
  ['bind', 49, 200],
  ['listen', 50, 201],
  ['accept', 43, 202],
  ['accept4', 288, 242],
  // other processes
  ['fork', 57, undefined],
  ['vfork', 58, undefined],
  ['execveat', 322, 281],
  ['ptrace', 101, 117],
  ['process_vm_readv', 310, 270],
  ['process_vm_writev', 311, 271],
  ['process_madvise', 440, 440],
  ['process_mrelease', 448, 448],
  ['kcmp', 312, 272],
  ['pidfd_open', 434, 434],
  ['pidfd_getfd', 438, 438],
  ['pidfd_send_signal', 424, 424],
  ['setns', 308, 268],
  ['unshare', 272, 97],
  ['personality', 135, 92],
  // asynchronous input and output
  ['io_uring_setup', 425, 425],
  ['io_uring_enter', 426, 426],
  ['io_uring_register', 427, 427],
  ['io_setup', 206, 0],
  ['io_destroy', 207, 1],
  ['io_getevents', 208, 4],
  ['io_submit', 209, 2],
  ['io_cancel', 210, 3],
  ['io_pgetevents', 333, 292],
  // parts of the kernel
  ['bpf', 321, 280],
  ['perf_event_open', 298, 241],
  ['userfaultfd', 323, 282],
  ['add_key', 248, 217],
  ['request_key', 249, 218],
  ['keyctl', 250, 219],
  ['init_module', 175, 105],
  ['finit_module', 313, 273],
  ['delete_module', 176, 106],
  ['kexec_load', 246, 104],
  ['kexec_file_load', 320, 294],
  ['reboot', 169, 142],
  ['swapon', 167, 224],
  ['swapoff', 168, 225],
  ['syslog', 103, 116],
  ['acct', 163, 89],
  ['quotactl', 179, 60],
  ['quotactl_fd', 443, 443],
  ['vhangup', 153, 58],
  ['iopl', 172, undefined],
  ['ioperm', 173, undefined],
  ['modify_ldt', 154, undefined],
  ['memfd_secret', 447, 447],
  ['remap_file_pages', 216, 234],
  ['move_pages', 279, 239],
  ['migrate_pages', 256, 238],
  // the tree of files
  ['mount', 165, 40],
  ['umount2', 166, 39],
  ['pivot_root', 155, 41],
  ['chroot', 161, 51],
  ['open_by_handle_at', 304, 265],
  ['name_to_handle_at', 303, 264],
  ['fsopen', 430, 430],
  ['fsconfig', 431, 431],
  ['fsmount', 432, 432],
  ['fspick', 433, 433],
  ['open_tree', 428, 428],
  ['move_mount', 429, 429],
  ['mount_setattr', 442, 442],
  ['fanotify_init', 300, 262],
  ['fanotify_mark', 301, 263],
  ['inotify_init', 253, undefined],
  ['inotify_init1', 294, 26],
  ['inotify_add_watch', 254, 27],
  ['mknod', 133, undefined],
  ['mknodat', 259, 33],
  ['link', 86, undefined],
  ['linkat', 265, 37],
  ['symlink', 88, undefined],
  ['symlinkat', 266, 36],
  ['splice', 275, 76],
  ['tee', 276, 77],
  ['vmsplice', 278, 75],
  ['copy_file_range', 326, 285],
  ['sysfs', 139, undefined],
  ['ustat', 136, undefined],
  // clocks and names
  ['settimeofday', 164, 170],
  ['clock_settime', 227, 112],
  ['clock_adjtime', 305, 266],
  ['adjtimex', 159, 171],
  ['sethostname', 170, 161],
  ['setdomainname', 171, 162],
  // messages between processes
  ['shmget', 29, 194],
  ['shmat', 30, 196],
  ['shmctl', 31, 195],
  ['shmdt', 67, 197],
  ['semget', 64, 190],
  ['semop', 65, 193],
  ['semctl', 66, 191],
  ['semtimedop', 220, 192],
  ['msgget', 68, 186],
  ['msgsnd', 69, 189],
  ['msgrcv', 70, 188],
  ['msgctl', 71, 187],
  ['mq_open', 240, 180],
  ['mq_unlink', 241, 181],
  ['mq_timedsend', 242, 182],
  ['mq_timedreceive', 243, 183],
  ['mq_notify', 244, 184],
  ['mq_getsetattr', 245, 185]
]

interface Architecture {
  /** AUDIT_ARCH of linux/audit.h. */
  readonly audit: number
  readonly column: 1 | 2
  readonly clone: number
  readonly clone3: number
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, column: 1, clone: 56, clone3: 435 },
  arm64: { audit: 0xc00000b7, column: 2, clone: 220, clone3: 435 }
}

/** The last call that was looked at: mseal, Linux 6.10. Those after it have the same numbers everywhere. Above 2^30 are those of x32. */
const LAST_KNOWN = 462
const CLONE_THREAD = 0x10000
const EPERM = 1
const ENOSYS = 38

/** linux/seccomp.h: answers, and where in `struct seccomp_data` things are. */
const ALLOW = 0x7fff0000
const ERRNO = 0x00050000
const KILL_PROCESS = 0x80000000
const NUMBER_AT = 0
const ARCHITECTURE_AT = 4
/** The lower half of the first argument on machines that have it first; both kinds here do. */
const FLAGS_AT = 16

/** linux/bpf_common.h: load a word, jump by a comparison with a constant, return. */
const LOAD = 0x20
const JUMP_EQUAL = 0x15
const JUMP_ABOVE = 0x25
const JUMP_BITS = 0x45
const RETURN = 0x06

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number]

/**
 * The filter as `struct sock_filter[]`, 8 bytes each, as `bwrap --seccomp` reads it: new sockets, new processes, calls of other architectures and REFUSED end with EPERM,
 * unknown ones and clone3 with ENOSYS: the C library then starts threads by clone, whose flags can be looked at.
 * @param architecture as `process.arch` says
 * @returns undefined where it is not known
 */
export function syscallFilter(architecture: string): Uint8Array | undefined {
  const known = ARCHITECTURES[architecture]
  if (known === undefined) return undefined
  const refused = REFUSED.flatMap((call) => call[known.column] ?? []).flatMap((number): Instruction[] => [
    [JUMP_EQUAL, 0, 1, number],
    [RETURN, 0, 0, ERRNO | EPERM]
  ])
  return encode([
    [LOAD, 0, 0, ARCHITECTURE_AT],
    [JUMP_EQUAL, 1, 0, known.audit],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_ABOVE, 1, 0, LAST_KNOWN],
    [JUMP_EQUAL, 0, 1, known.clone3],
    [RETURN, 0, 0, ERRNO | ENOSYS],
    ...refused,
    [JUMP_EQUAL, 0, 3, known.clone],
    [LOAD, 0, 0, FLAGS_AT],
    [JUMP_BITS, 1, 0, CLONE_THREAD],
    [RETURN, 0, 0, ERRNO | EPERM],
    [RETURN, 0, 0, ALLOW]
  ])
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const at = index * 8
    bytes.writeUInt16LE(code, at)
    bytes.writeUInt8(ifTrue, at + 2)
    bytes.writeUInt8(ifFalse, at + 3)
    bytes.writeUInt32LE(value, at + 4)
  }
  return bytes
}
