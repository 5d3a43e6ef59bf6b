import type { Client, SFTPWrapper } from 'ssh2'
import { StorageError } from '../errors.ts'
import { within } from '../within.ts'
import type { SftpSettings } from './settings.ts'

/** How ssh2 answers. */
export type Answer<T> = (error: Error | null | undefined, value?: T) => void

/** One connection to the server. Handles that were opened in it are of no use in another. */
export class SftpSession {
  readonly #client: Client
  readonly #sftp: SFTPWrapper
  readonly #settings: SftpSettings
  readonly #waiting = new Set<(error: unknown) => void>()
  #lost: unknown
  #onLost: (() => void) | undefined

  constructor(client: Client, sftp: SFTPWrapper, settings: SftpSettings) {
    this.#client = client
    this.#sftp = sftp
    this.#settings = settings
    const gone = Object.assign(new Error('the connection ended'), { code: 'ECONNRESET' })
    client.removeAllListeners('error').removeAllListeners('close')
    client.on('error', (error) => this.#lose(error))
    client.on('close', () => this.#lose(gone))
    sftp.on('error', (error: unknown) => this.#lose(error))
    sftp.on('close', () => this.#lose(gone))
  }

  /** Told once, when this session is of no use any more. */
  whenLost(listener: () => void): void {
    this.#onLost = listener
    if (this.#lost !== undefined) listener()
  }

  /**
   * Send a request and wait for its answer. Without one in time the whole session is given up: its answers come over
   * one connection, so that others would not come either.
   * @param unwanted takes an answer that comes after nobody waits for it any more
   * @throws what ssh2 says (to be given to `sftpError`); the signal's reason
   */
  request<T>(
    send: (sftp: SFTPWrapper, answer: Answer<T>) => void,
    signal?: AbortSignal,
    unwanted?: (value: T) => void,
  ): Promise<T> {
    const work = new Promise<T>((resolve, reject) => {
      if (this.#lost !== undefined) return reject(this.#lost)
      this.#waiting.add(reject)
      const answer: Answer<T> = (error, value) => {
        this.#waiting.delete(reject)
        if (error) reject(this.#lost ?? error)
        else resolve(value as T)
      }
      try {
        send(this.#sftp, answer)
      } catch (error) {
        answer(error as Error) // an extension that the server lacks
      }
    })
    const late = (): unknown => this.#lose(this.#silence())
    const waited = within(work, { ms: this.#settings.requestTimeoutMs, signal, late })
    if (unwanted) waited.catch(() => work.then(unwanted).catch(() => {}))
    return waited
  }

  /** Open a file or a folder. */
  openHandle(send: (sftp: SFTPWrapper, answer: Answer<Buffer>) => void, signal?: AbortSignal): Promise<Buffer> {
    return this.request<Buffer>(send, signal, (handle) => this.closeHandle(handle))
  }

  /** Close a handle; nobody waits for that. */
  closeHandle(handle: Buffer): void {
    this.request<void>((sftp, answer) => sftp.close(handle, answer)).catch(() => {})
  }

  /** Give the connection up. */
  end(): void {
    this.#lose(new StorageError('STORAGE_CLOSED', `The connection to ${this.#settings.endpoint} has been closed`))
  }

  #lose(error: unknown): unknown {
    if (this.#lost !== undefined) return this.#lost
    this.#lost = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
    this.#client.destroy()
    this.#onLost?.()
    return error
  }

  #silence(): StorageError {
    const { endpoint, requestTimeoutMs } = this.#settings
    const message = `${endpoint} has not answered for ${requestTimeoutMs} ms`
    return new StorageError('STORAGE_TIMEOUT', message, { at: { endpoint } })
  }
}
