const MB = 1_048_576

function memory(): number {
  return Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 128) * MB
}

/** What a function may know of the machine: nothing of it. The memory is the function's own. */
export const bindingOs = {
  getOSInformation: () => ['Linux', '#1 SMP', '6.1.0', 'x86_64'],
  getAvailableParallelism: () => 1,
  // model, speed, and five times
  getCPUs: () => ['virtual', 0, 0, 0, 0, 0, 0],
  getFreeMem: memory,
  getTotalMem: memory,
  getHomeDirectory: () => process.env.HOME ?? '/tmp',
  getHostname: () => 'localhost',
  getInterfaceAddresses: () => [],
  getLoadAvg: () => undefined,
  getPriority: () => 0,
  setPriority: () => 0,
  getUserInfo: () => ({ uid: 993, gid: 990, username: 'sbx_user', homedir: '/tmp', shell: '/sbin/nologin' }),
  getUptime: () => Math.trunc(performance.now() / 1_000),
  isBigEndian: false
}
