/** What bin/ runs in the pinned Node: the tie to the launcher, and the command. */
// Loads sockets, which most commands that were not started by a supervising launcher do without.
if (process.env.PEERLESS_LAUNCHER_FD !== undefined) (await import('./launcher-tie.ts')).dieWithLauncher()
const { main } = await import('./index.ts')
await main(process.argv.slice(2))

export {}
