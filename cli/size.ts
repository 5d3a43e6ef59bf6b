export { parseSize } from '../daemon/config/size.ts'
