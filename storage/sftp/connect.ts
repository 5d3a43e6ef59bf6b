import { readFile } from 'node:fs/promises'
import { Client, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2'
import { StorageError } from '../errors.ts'
import { isSameKey, signatureAlgorithms } from './host-key.ts'
import { SftpSession } from './session.ts'
import type { SftpSettings } from './settings.ts'
import { connectError } from './sftp-error.ts'

/** A server that stays silent is given up after so many unanswered questions, one each so many ms. */
const KEEPALIVE = { keepaliveInterval: 10_000, keepaliveCountMax: 3 }

/**
 * Connect, check the server's key, log in and start the SFTP subsystem.
 * @throws StorageError; the password and the key are in no message
 */
export async function connectSftp(settings: SftpSettings): Promise<SftpSession> {
  const { endpoint, user, path } = settings
  const privateKey = settings.keyPath === undefined ? undefined : await readKey(settings.keyPath)
  const client = new Client()
  let refused: StorageError | undefined
  const config: ConnectConfig = {
    host: settings.hostname,
    port: settings.port,
    username: user,
    readyTimeout: settings.connectTimeoutMs,
    ...KEEPALIVE,
    ...(settings.password !== undefined && { password: settings.password }),
    ...(privateKey && { privateKey }),
    ...(settings.hostKey && {
      algorithms: { serverHostKey: [...signatureAlgorithms(settings.hostKey)] as ServerHostKeyAlgorithm[] },
    }),
    hostVerifier: (blob: Buffer) => {
      if (!settings.hostKey || isSameKey(settings.hostKey, blob)) return true
      refused = otherHostKey(settings)
      return false
    },
  }
  try {
    return await new Promise<SftpSession>((resolve, reject) => {
      client.on('error', reject)
      client.on('close', () => reject(refused ?? Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
      client.on('ready', () => {
        client.sftp((error, sftp) =>
          error ? reject(noSubsystem(error, settings)) : resolve(new SftpSession(client, sftp, settings)),
        )
      })
      client.connect(config)
      client.setNoDelay(true) // else every small request waits for the acknowledgement of the one before
    })
  } catch (error) {
    client.on('error', () => {})
    client.destroy()
    throw refused ?? keyMismatch(error, settings) ?? connectError(error, { verb: 'open', path, endpoint, user })
  }
}

async function readKey(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const message = `Cannot use the sftp replica: its key file ${path} cannot be read`
    throw new StorageError('STORAGE_BAD_OPTION', message, { at: { key: path }, cause })
  }
}

function otherHostKey({ endpoint }: SftpSettings, cause?: unknown): StorageError {
  const message =
    `Cannot trust ${endpoint}: its host key is not the one in the settings; if it was changed on purpose, ` +
    `take the new one from: ssh-keyscan`
  return new StorageError('STORAGE_BAD_CREDENTIALS', message, { at: { endpoint }, cause })
}

/** Errors that ssh2 finds before or during the handshake, by its words. */
function keyMismatch(error: unknown, settings: SftpSettings): StorageError | undefined {
  const said = error instanceof Error ? error.message : ''
  if (/no matching (server )?host key/i.test(said)) return otherHostKey(settings, error)
  if (!/cannot parse privateKey/i.test(said)) return undefined
  const why = /encrypted/i.test(said) ? 'is encrypted; use one without a passphrase' : 'is no private key'
  const message = `Cannot use the sftp replica: its key file ${settings.keyPath} ${why}`
  return new StorageError('STORAGE_BAD_OPTION', message, { cause: error })
}

function noSubsystem(cause: Error, { endpoint }: SftpSettings): StorageError {
  const message = `Cannot open sftp://${endpoint}: the server has no SFTP subsystem for this user`
  return new StorageError('STORAGE_REFUSED', message, { at: { endpoint }, cause })
}
