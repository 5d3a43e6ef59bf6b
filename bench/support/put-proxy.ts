import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** An object's upload, seen from between the program and the store. */
export interface Upload {
  readonly path: string
  readonly body: Buffer
  /** When the store's success reply arrived: the object is durable. ns of the monotonic clock. */
  readonly durableAt: bigint
}

/**
 * An HTTP proxy before an S3 server that reports each successful PUT. It asks the store for nothing, so the observer
 * costs both programs the same; signatures stay valid because the Host header is passed on as it came.
 */
export async function startPutProxy(
  endpoint: string,
  onPut: (upload: Upload) => void,
): Promise<{ endpoint: string; close(): void }> {
  const target = new URL(endpoint)
  const agent = new http.Agent({ keepAlive: true })
  const server = http.createServer((request, response) => {
    const { method, url, headers } = request
    const body: Buffer[] = []
    const options = { agent, host: target.hostname, port: target.port, method, path: url, headers }
    const upstream = http.request(options, (reply) => {
      const durableAt = process.hrtime.bigint()
      response.writeHead(reply.statusCode!, reply.rawHeaders)
      reply.pipe(response)
      if (method === 'PUT' && reply.statusCode === 200) onPut({ path: url!, body: Buffer.concat(body), durableAt })
    })
    upstream.on('error', () => response.destroy())
    if (method === 'PUT') request.on('data', (chunk) => body.push(chunk))
    request.pipe(upstream)
  })
  server.on('connection', (socket) => socket.setNoDelay(true))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      agent.destroy()
      server.close()
      server.closeAllConnections()
    },
  }
}
