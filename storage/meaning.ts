import type { StorageErrorCode } from './errors.ts'

/** What a failure means: its code, and the reason for people, in which `{endpoint}` and the like are filled in. */
export type Meaning = readonly [StorageErrorCode, string]

const BY_NETWORK_CODE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: ['STORAGE_UNREACHABLE', 'nothing listens at {endpoint}; is the server running, is the port right?'],
  ENOTFOUND: ['STORAGE_UNREACHABLE', 'the host of {endpoint} is not known; check its spelling'],
  EAI_AGAIN: ['STORAGE_UNREACHABLE', 'the host of {endpoint} cannot be looked up now'],
  EHOSTUNREACH: ['STORAGE_UNREACHABLE', '{endpoint} cannot be reached'],
  ENETUNREACH: ['STORAGE_UNREACHABLE', '{endpoint} cannot be reached'],
  ECONNRESET: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  EPIPE: ['STORAGE_UNREACHABLE', 'the connection to {endpoint} was lost'],
  ETIMEDOUT: ['STORAGE_TIMEOUT', '{endpoint} did not answer in time'],
  EPROTO: ['STORAGE_TLS', '{endpoint} does not speak TLS as expected; is it http:// rather than https://?'],
  ERR_SSL_WRONG_VERSION_NUMBER: ['STORAGE_TLS', '{endpoint} does not speak TLS; use http://'],
}

const UNTRUSTED: Meaning = [
  'STORAGE_TLS',
  'the certificate of {endpoint} is not trusted ({code}); name its CA in NODE_EXTRA_CA_CERTS{orElse}',
]

/** What a connection's failure means by its code (Node's, or a TLS reason); undefined if it is not known. */
export function networkMeaning(code: string): Meaning | undefined {
  if (Object.hasOwn(BY_NETWORK_CODE, code)) return BY_NETWORK_CODE[code]!
  return /CERT|SIGNATURE|ERR_TLS/.test(code) ? UNTRUSTED : undefined
}

/** Fill in `{name}` in a meaning's text. */
export function fillIn(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
