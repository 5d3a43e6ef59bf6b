export type GatewayErrorCode =
  /** A database's name, a limit or an origin that makes no sense. */
  | 'GATEWAY_BAD_OPTION'
  | 'GATEWAY_BAD_TOKENS'
  /** Others than this machine could read, and nothing would stop them. */
  | 'GATEWAY_UNPROTECTED'
  /** The address cannot be listened on. */
  | 'GATEWAY_CANNOT_LISTEN'

/** Why a gateway cannot be made or started. What happens to requests is told by their replies. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  /** What to do about it. */
  readonly hint: string | undefined

  constructor(code: GatewayErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
  }
}
