import { faultSuite } from './faults.ts'
import { startSshd } from './servers/sshd.ts'

faultSuite('sftp', async () => {
  const { port, user, keyPath, hostKey, dir, stop } = await startSshd()
  const login = { user, keyPath, hostKey, path: `${dir}/faults` }
  return { port, settings: (through) => ({ type: 'sftp', host: `127.0.0.1:${through}`, ...login }), stop }
})
