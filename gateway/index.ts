export { formatAddress, isLoopback, isLoopbackName, type ListenAddress, parseAddress } from './address.ts'
export { GatewayError, type GatewayErrorCode } from './errors.ts'
export { createGateway, type Gateway } from './gateway.ts'
export { pageFiles } from './page-files.ts'
export { DATABASE_NAME } from './route.ts'
export {
  type AnsweredRequest,
  DEFAULT_LIMITS,
  type GatewayLimits,
  type GatewayOptions,
  type StaticFile,
} from './settings.ts'
export { Tokens } from './tokens.ts'
