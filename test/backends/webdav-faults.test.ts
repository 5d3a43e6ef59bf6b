import { faultSuite } from './faults.ts'
import { startApacheDav } from './servers/apache-dav.ts'

faultSuite('webdav', async () => {
  const { port, user, password, stop } = await startApacheDav()
  const login = { user, password, path: '/faults' }
  return { port, settings: (through) => ({ type: 'webdav', endpoint: `http://127.0.0.1:${through}`, ...login }), stop }
})
