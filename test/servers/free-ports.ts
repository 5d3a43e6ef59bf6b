import { createServer, type Server } from 'node:net'

/** Ports of 127.0.0.1 that nothing listens at: for servers that cannot say which one they were given. */
export async function freePorts(count: number): Promise<number[]> {
  const listen = (): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer().once('error', reject)
      server.listen(0, '127.0.0.1', () => resolve(server))
    })
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
