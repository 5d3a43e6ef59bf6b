import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type ObjectStore, Objm } from '@nats-io/obj'
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  jwtAuthenticator,
  type NatsConnection,
  type NodeConnectionOptions,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node'
import { splitHost } from '../host-port.ts'
import type { NatsLogin } from './login.ts'
import { natsError } from './nats-error.ts'
import { bad, type NatsSettings } from './settings.ts'

/** One bucket, over one connection. */
export interface NatsBucket {
  readonly connection: NatsConnection
  readonly js: JetStreamClient
  readonly jsm: JetStreamManager
  readonly store: ObjectStore
  readonly name: string
  /** The stream that keeps it. */
  readonly stream: string
  /** Messages may be asked for directly, without JetStream's own wrapping. */
  readonly direct: boolean
  /** Longest wait for an answer. */
  readonly timeoutMs: number
}

const PING = { pingInterval: 120_000, maxPingOut: 2 }

/**
 * Connect, log in and open the bucket. It reconnects by itself.
 * @throws StorageError STORAGE_NO_BUCKET if it does not exist: it must be made beforehand (facts 2.10)
 */
export async function connectNats(settings: NatsSettings, login: NatsLogin): Promise<NatsBucket> {
  const { bucket: name, server, timeoutMs } = settings
  const context = { verb: 'open', bucket: name, server }
  const tls = await tlsOptions(settings)
  const options: NodeConnectionOptions = {
    servers: server.split(',').map((each) => each.trim()),
    name: 'litetap',
    timeout: timeoutMs,
    maxReconnectAttempts: settings.maxReconnects,
    reconnectTimeWait: settings.reconnectWaitMs,
    ...PING,
    ...(await authenticator(login)),
    ...(tls && { tls }),
  }
  let connection: NatsConnection
  try {
    connection = await connect(options)
  } catch (error) {
    throw natsError(error, context)
  }
  try {
    const jsm = await jetstreamManager(connection, { timeout: timeoutMs })
    const js = jetstream(connection, { timeout: timeoutMs })
    const stream = `OBJ_${name}`
    const { config } = await jsm.streams.info(stream)
    const store = await new Objm(js).open(name, false)
    return { connection, js, jsm, store, name, stream, direct: config.allow_direct === true, timeoutMs }
  } catch (error) {
    await connection.close().catch(() => {})
    throw natsError(error, context)
  }
}

async function authenticator(login: NatsLogin): Promise<{ authenticator?: Authenticator }> {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  switch (login.kind) {
    case 'jwt':
      return { authenticator: jwtAuthenticator(login.jwt, bytes(login.seed)) }
    case 'creds':
      return { authenticator: credsAuthenticator(new Uint8Array(await readPem('credentials file', login.path))) }
    case 'nkey':
      return { authenticator: nkeyAuthenticator(bytes(login.seed)) }
    case 'password':
      return { authenticator: usernamePasswordAuthenticator(login.user, login.password) }
    case 'token':
      return { authenticator: tokenAuthenticator(login.token) }
    case 'none':
      return {}
  }
}

/** Undefined: as the server wants it. */
async function tlsOptions(settings: NatsSettings): Promise<NodeConnectionOptions['tls']> {
  const { tls, rootCAs = [], clientCert, clientKey } = settings
  if (!tls && rootCAs.length === 0 && clientCert === undefined) return undefined
  const roots = await Promise.all(rootCAs.map((path) => readPem('root CA', path)))
  return {
    ...addressToVerify(settings),
    ...(roots.length > 0 && { ca: roots.map(String).join('\n') }),
    ...(clientCert !== undefined && { cert: String(await readPem('client certificate', clientCert)) }),
    ...(clientKey !== undefined && { key: String(await readPem('client key', clientKey)) }),
  }
}

/**
 * The client names no server in TLS where its address is an IP address, and Node then compares the certificate with
 * `localhost`. `host` is what Node goes by; the client passes it on though its type has no such field.
 */
function addressToVerify({ server }: NatsSettings): { host?: string } {
  const { hostname = '' } = splitHost(server.replace(/^[a-z]+:\/\//, '')) ?? {}
  return isIP(hostname) === 0 ? {} : { host: hostname }
}

async function readPem(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw bad(`its ${what} ${path} cannot be read`, cause)
  }
}
