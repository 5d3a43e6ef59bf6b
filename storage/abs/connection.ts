import { ContainerClient, newPipeline, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { RequestVerb } from '../observe.ts'
import { Requests } from '../requests.ts'
import { absError } from './abs-error.ts'
import { limitAnswers } from './limit-answers.ts'
import type { CheckedAbsOptions } from './settings.ts'

export interface AbsRequest<T> {
  readonly verb: RequestVerb
  /** For people, before the blob's name: `read`, `list`. */
  readonly doing: string
  /** The blob or prefix that it is about. */
  readonly key: string
  readonly signal: AbortSignal | undefined
  /** Bytes in its body. */
  readonly bytes?: number
  /** Made once only. */
  readonly once?: boolean
  /** Tried longer: nobody above can try again. */
  readonly patient?: boolean
  /** The answer has a body that is read later. */
  readonly lasting?: boolean
  /** One call of the SDK that is one request. */
  send(container: ContainerClient, abortSignal: AbortSignal, end: () => void): Promise<T>
}

/** Requests to one container. The SDK's own retries are off: they know neither 429 nor 502 nor 504 (facts 2.7). */
export class AbsConnection {
  readonly settings: CheckedAbsOptions
  readonly requests: Requests
  /** Made with the first request, as what finds identities is loaded only where it is needed. */
  #container: Promise<ContainerClient> | undefined

  constructor(settings: CheckedAbsOptions) {
    this.settings = settings
    this.requests = new Requests({ idleTimeoutMs: settings.idleTimeoutMs, retry: settings.retry ?? {} })
  }

  /** A blob's name for people. */
  nameOf(key: string): string {
    const { accountName, bucket } = this.settings
    return `abs://${accountName ? `${accountName}@` : ''}${bucket}/${key}`
  }

  /** @throws StorageError; the signal's reason */
  run<T>({ doing, send, ...request }: AbsRequest<T>): Promise<T> {
    const what = `${doing} ${this.nameOf(request.key)}`
    const { bucket, endpoint } = this.settings
    return this.requests.run({
      ...request,
      what,
      send: async (signal, end) => {
        this.#container ??= containerOf(this.settings)
        return await send(await this.#container, signal, end)
      },
      errorOf: (error) => absError(error, { what, key: request.key, bucket, endpoint }),
    })
  }
}

async function containerOf({
  endpoint,
  bucket,
  credentials,
  idleTimeoutMs,
}: CheckedAbsOptions): Promise<ContainerClient> {
  const address = `${endpoint}/${encodeURIComponent(bucket)}`
  const url = credentials.kind === 'sas' ? `${address}?${credentials.token}` : address
  const options = { retryOptions: { maxTries: 1 }, userAgentOptions: { userAgentPrefix: 'litetap' } }
  const container = new ContainerClient(url, newPipeline(await credentialOf(credentials), options))
  limitAnswers(container, idleTimeoutMs)
  return container
}

async function credentialOf(credentials: CheckedAbsOptions['credentials']) {
  if (credentials.kind === 'sas') return undefined
  if (credentials.kind === 'key') {
    return new StorageSharedKeyCredential(credentials.accountName, credentials.accountKey)
  }
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new DefaultAzureCredential()
}
