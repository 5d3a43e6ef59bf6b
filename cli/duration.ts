export { formatDuration, parseDuration, parseDurationNs } from '../daemon/config/duration.ts'
