export { formatBytes, formatSpan } from '../daemon/commands/humanize.ts'
