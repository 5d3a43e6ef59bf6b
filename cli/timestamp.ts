export { formatTimestamp, parseTimestamp } from '../daemon/commands/timestamp.ts'
