import { isIP } from 'node:net'
import { GatewayError } from './errors.ts'

export interface ListenAddress {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

/** `127.0.0.1:8080`, `[::1]:0`, `:8080` (all interfaces). @throws GatewayError GATEWAY_BAD_OPTION */
export function parseAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === '' || port > 65_535) {
    throw new GatewayError('GATEWAY_BAD_OPTION', `Cannot listen on ${JSON.stringify(text)}: it is not HOST:PORT`, {
      hint: '127.0.0.1:8321, or [::1]:8321, or 127.0.0.1:0 for any port that is free',
    })
  }
  return { host: bracketed ?? (plain === 'localhost' ? '127.0.0.1' : plain || '::'), port }
}

export function formatAddress({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
}

/** True where nobody but this machine can connect to. */
export function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** True for a Host header, or an origin's host, that names this machine itself: no other name can be made to point here. */
export function isLoopbackName(hostAndPort: string): boolean {
  const host = hostAndPort.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return host.toLowerCase() === 'localhost' || isLoopback(host)
}
