import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatAddress, type ListenAddress } from '../gateway/index.ts'
import { DaemonError } from './errors.ts'

/**
 * Listen on an address.
 *
 * @param what it is for, for people
 * @returns the address with its real port
 * @throws DaemonError DAEMON_CANNOT_LISTEN
 */
export async function listenOn(server: Server, address: ListenAddress, what: string): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'something else does already' : cause.message
      const message = `Cannot listen on ${formatAddress(address)} for ${what}: ${why}`
      reject(new DaemonError('DAEMON_CANNOT_LISTEN', message, { cause }))
    }
    server.once('error', fail)
    server.listen({ host: address.host, port: address.port }, () => {
      server.off('error', fail)
      resolve()
    })
  })
  return { host: address.host, port: (server.address() as AddressInfo).port }
}
