/**
 * Take `host`, `host:port`, `[v6]` or `[v6]:port` apart. A bare IPv6 address, which has several colons, is a host.
 * @returns undefined if the port is none
 */
export function splitHost(text: string): { readonly hostname: string; readonly port?: number } | undefined {
  const match = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? /^([^:]*)(?::(\d+))?$/.exec(text)
  if (!match) return (text.match(/:/g)?.length ?? 0) > 1 ? { hostname: text } : undefined
  const [, hostname = '', port] = match
  if (port === undefined) return { hostname }
  return Number(port) >= 1 && Number(port) <= 65_535 ? { hostname, port: Number(port) } : undefined
}
