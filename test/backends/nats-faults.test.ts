import { faultSuite } from './faults.ts'
import { NatsBuckets } from './nats-buckets.ts'
import { startNatsServer } from './servers/nats-server.ts'

faultSuite('nats', async () => {
  const server = await startNatsServer()
  const buckets = await NatsBuckets.connect(server)
  await buckets.make('faults')
  const { port, user, password } = server
  const settings = { type: 'nats' as const, bucket: 'faults', user, password, reconnectWaitMs: 100, timeoutMs: 2000 }
  return {
    port,
    settings: (through) => ({ ...settings, server: `nats://127.0.0.1:${through}` }),
    stop: async () => {
      await buckets.close()
      await server.stop()
    },
  }
})
